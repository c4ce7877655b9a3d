// Depthwise convolution: every channel has a kernel of its own. Any kernel, stride, dilation and padding.

// y = w ∗ x, plus the channel's bias where there is one.
KERNEL depthwise(const float* x, Reading how, const float* w, const float* bias, float* y, unsigned len, Window win) {
    EACH(i, len);
    const unsigned column = i % win.out_w, row = i / win.out_w % win.out_h, plane = i / (win.out_w * win.out_h);
    const unsigned channel = plane / win.images;
    x += plane * win.in_h * win.in_w;
    w += channel * win.kernel * win.kernel;
    float sum = bias ? bias[channel] : 0.0f;
    for (unsigned kh = 0; kh < win.kernel; kh++) {
        const unsigned h = input_at(row, kh, win);
        if (h >= win.in_h) continue;
        for (unsigned kw = 0; kw < win.kernel; kw++) {
            const unsigned v = input_at(column, kw, win);
            if (v < win.in_w) sum = fmaf(seen(x[h * win.in_w + v], how, channel), w[kh * win.kernel + kw], sum);
        }
    }
    y[i] = sum;
}

// dx (+)= the gradient of the input: each input pixel gathers from the outputs that read it.
KERNEL depthwise_back_data(const float* g, const float* w, float* dx, unsigned len, Window win, int accumulate) {
    EACH(i, len);
    const unsigned column = i % win.in_w, row = i / win.in_w % win.in_h, plane = i / (win.in_w * win.in_h);
    g += plane * win.out_h * win.out_w;
    w += plane / win.images * win.kernel * win.kernel;
    float sum = 0.0f;
    for (unsigned kh = 0; kh < win.kernel; kh++) {
        unsigned h, v;
        if (!output_at(row, kh, win.out_h, win, &h)) continue;
        for (unsigned kw = 0; kw < win.kernel; kw++) {
            if (output_at(column, kw, win.out_w, win, &v)) sum = fmaf(g[h * win.out_w + v], w[kh * win.kernel + kw], sum);
        }
    }
    put(&dx[i], sum, accumulate);
}

// dw += the gradient of the weights: one block a weight. Blocks of one channel follow each other, so that they find it in the cache.
KERNEL depthwise_back_weights(const float* x, Reading how, const float* g, float* dw, Window win) {
    const unsigned taps = win.kernel * win.kernel, channel = blockIdx.x / taps, tap = blockIdx.x % taps;
    const unsigned kh = tap / win.kernel, kw = tap % win.kernel, out = win.out_h * win.out_w, in = win.in_h * win.in_w;
    x += channel * win.images * in;
    g += channel * win.images * out;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < win.images * out; i += blockDim.x) {
        const unsigned h = input_at(i % out / win.out_w, kh, win), v = input_at(i % win.out_w, kw, win);
        if (h < win.in_h && v < win.in_w) sum = fmaf(seen(x[i / out * in + h * win.in_w + v], how, channel), g[i], sum);
    }
    const double total = block_sum(sum);
    if (threadIdx.x == 0) dw[blockIdx.x] += (float)total;
}
