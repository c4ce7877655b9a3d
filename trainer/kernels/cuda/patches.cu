// Dense convolutions as matrix products: what each tap of each output pixel reads, [channel][tap][image][pixel], for some of the images.

// Images `first` … `first + count` of the window's.
struct Images {
    unsigned first, count;
};

KERNEL patches(const float* x, Reading how, float* cols, unsigned len, Window win, Images of) {
    EACH(i, len);
    const unsigned taps = win.kernel * win.kernel, out = win.out_h * win.out_w;
    const unsigned pixel = i % out, image = of.first + i / out % of.count, tap = i / (out * of.count) % taps;
    const unsigned channel = i / (out * of.count * taps);
    const unsigned h = input_at(pixel / win.out_w, tap / win.kernel, win), v = input_at(pixel % win.out_w, tap % win.kernel, win);
    const bool inside = h < win.in_h && v < win.in_w;
    cols[i] = inside ? seen(x[((channel * win.images + image) * win.in_h + h) * win.in_w + v], how, channel) : 0.0f;
}

// dst += the sum of `count` products of `len` values each, in their order.
KERNEL add_products(const float* products, float* dst, unsigned len, unsigned count) {
    EACH(i, len);
    float sum = 0.0f;
    for (unsigned p = 0; p < count; p++) sum += products[p * len + i];
    dst[i] += sum;
}

// dx += the gradient of the input: each input pixel gathers from the patches that hold it. `len` input values, of those images.
KERNEL patches_back(const float* cols, float* dx, unsigned len, Window win, Images of) {
    EACH(i, len);
    const unsigned in = win.in_h * win.in_w, column = i % win.in_w, row = i % in / win.in_w;
    const unsigned image = i / in % of.count, channel = i / (in * of.count);
    float sum = 0.0f;
    for (unsigned kh = 0; kh < win.kernel; kh++) {
        unsigned h, v;
        if (!output_at(row, kh, win.out_h, win, &h)) continue;
        for (unsigned kw = 0; kw < win.kernel; kw++) {
            if (!output_at(column, kw, win.out_w, win, &v)) continue;
            const unsigned tap = (channel * win.kernel + kh) * win.kernel + kw;
            sum += cols[((tap * of.count + image) * win.out_h + h) * win.out_w + v];
        }
    }
    dx[(channel * win.images + of.first + image) * in + i % in] += sum;
}
