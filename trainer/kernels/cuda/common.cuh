// What all kernels share. NVRTC compiles the files for a GPU; a test compiles them as C++ for the CPU (tests/gpu/shim.h).
//
// Feature maps are [channel][image][row][column]: a pointwise convolution is one matrix product, and a channel's values lie in one run.
// All indices are 32-bit: a feature map has fewer than 2^32 values.
//
// There is one rule for launches. Every block has THREADS threads. A kernel computes either one value a thread (EACH), or one result a
// block (blockIdx.x is the result's number, and block_sum adds up). No kernel adds to the same place from two threads: all results repeat.

#define KERNEL extern "C" __global__ void

// Values that one thread of `len` computes: i.
#define EACH(i, len)                                         \
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x; \
    if (i >= (len)) return

// How a stored value is read: scale and shift of its batch norm (null where there is none), then ReLU.
struct Reading {
    const float* scale;
    const float* shift;
    int relu;
};

// What a reader sees of the stored value `y` of a channel.
__device__ inline float seen(float y, const Reading& how, unsigned channel) {
    if (how.scale) y = fmaf(y, how.scale[channel], how.shift[channel]);
    return how.relu && !(y > 0.0f) ? 0.0f : y;
}

// Writes or adds.
__device__ inline void put(float* to, float value, int accumulate) {
    *to = accumulate ? *to + value : value;
}

// The sum of all threads' values, in thread 0; added in one order. Every thread of the block must call it.
__device__ inline double block_sum(double value) {
    __shared__ double sums[THREADS];
    __syncthreads(); // The sum before has been read.
    sums[threadIdx.x] = value;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    return sums[0];
}

// Shapes of a convolution's or a pool's window; all sides in pixels.
struct Window {
    unsigned images;
    unsigned kernel, stride, dilation, padding;
    unsigned in_h, in_w, out_h, out_w;
};

// The input position that a tap of an output position reads; beyond the map where it lies in the padding.
__device__ inline unsigned input_at(unsigned out, unsigned tap, const Window& win) {
    return out * win.stride + tap * win.dilation - win.padding;
}

// The output position whose tap reads the input position `in`: whether there is one.
__device__ inline bool output_at(unsigned in, unsigned tap, unsigned outs, const Window& win, unsigned* out) {
    const unsigned from = in + win.padding, back = tap * win.dilation;
    if (from < back || (from - back) % win.stride != 0) return false;
    *out = (from - back) / win.stride;
    return *out < outs;
}
