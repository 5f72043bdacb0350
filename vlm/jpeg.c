/* See jpeg.h. The work is done in the planes of Y, Cb and Cr that a JPEG consists of, so no pixel
 * is ever converted to RGB and back:
 *
 *     JPEG -> planes as sampled, DCT-scaled -> resampled 4:2:0 planes of the send size -> JPEG
 *     RGB  -> planes 4:2:0 ----------------^
 *     a camera's planes -------------------^ (4:2:0 of the send size: straight into the encoder)
 *
 * Where a send pixel comes from is one affine map: `step` source pixels per send pixel, the same
 * both ways, from an origin. It covers: of the two ratios the smaller step is taken, so one
 * direction fits and the other is too long, by what is cut off above or at both sides. The map is
 * made in pixels of the whole picture and divided by the DCT scale and by the plane's sampling;
 * since all planes are areas (see resample.h), no plane needs an offset of its own and colours stay
 * where their edges are.
 *
 * TurboJPEG is told to stop at its first warning: a decoder that carries on over missing data would
 * make a valid JPEG out of a broken one, and nobody behind it could tell. A decoder that refused is
 * thrown away: after a broken header the one of TurboJPEG 2.1 is left in the middle of it and
 * refuses every good picture that follows.
 *
 * The calls are those of TurboJPEG 2.1, which 3.x still has.
 */
#include "vlm/jpeg.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "vlm/resample.h"

#define PLANES_MAX     3
#define CHROMA_NEUTRAL 128

struct planes {
    int width_px, height_px; /* of the picture that the planes are */
    int sampling;            /* enum TJSAMP */
    int count;
    uint8_t *plane[PLANES_MAX];
    int stride[PLANES_MAX];
    uint8_t *memory;
    size_t room;
};

struct jpeg {
    int width_px, height_px;
    int quality;
    tjhandle decoder; /* NULL: to be made for the next picture */
    tjhandle encoder;
    struct planes source;
    struct planes send;
    struct resample *luma;
    struct resample *chroma;
    uint8_t *encoded;
    char error[256];
};

/* From send pixels to pixels of the source planes. */
struct cover {
    double x, y; /* of the upper left corner of what is shown */
    double step; /* source pixels for one send pixel */
};

static int planes_allocate(struct planes *planes, size_t size)
{
    uint8_t *memory;

    if (size <= planes->room) {
        return 0;
    }
    memory = malloc(size);
    if (memory == NULL) {
        return -ENOMEM;
    }
    free(planes->memory);
    planes->memory = memory;
    planes->room = size;
    return 0;
}

/* Lays out planes for a picture; rows are padded as resample_run wants them. */
static int planes_shape(struct planes *planes, int width_px, int height_px, int sampling)
{
    size_t offset[PLANES_MAX] = {0};
    size_t size = 0;
    int r;

    planes->width_px = width_px;
    planes->height_px = height_px;
    planes->sampling = sampling;
    planes->count = sampling == TJSAMP_GRAY ? 1 : PLANES_MAX;
    for (int i = 0; i < planes->count; i++) {
        int width = tjPlaneWidth(i, width_px, sampling);
        int stride = (width + RESAMPLE_BLOCK - 1) / RESAMPLE_BLOCK * RESAMPLE_BLOCK;

        offset[i] = size;
        planes->stride[i] = stride;
        size += (size_t)stride * (size_t)tjPlaneHeight(i, height_px, sampling);
    }
    r = planes_allocate(planes, size);
    if (r < 0) {
        return r;
    }
    for (int i = 0; i < planes->count; i++) {
        planes->plane[i] = planes->memory + offset[i];
    }
    return 0;
}

static int encoder_init(struct jpeg *jpeg)
{
    int r;

    jpeg->encoder = tjInitCompress();
    jpeg->encoded = malloc(tjBufSize(jpeg->width_px, jpeg->height_px, TJSAMP_420));
    if (jpeg->encoder == NULL || jpeg->encoded == NULL) {
        return -ENOMEM;
    }
    r = planes_shape(&jpeg->send, jpeg->width_px, jpeg->height_px, TJSAMP_420);
    if (r == 0) {
        r = resample_new(&jpeg->luma);
    }
    if (r == 0) {
        r = resample_new(&jpeg->chroma);
    }
    return r;
}

int jpeg_new(int width_px, int height_px, int quality, struct jpeg **ret_jpeg)
{
    struct jpeg *jpeg;
    int r;

    if (width_px < 1 || width_px > JFIF_SIDE_MAX || height_px < 1 || height_px > JFIF_SIDE_MAX ||
        quality < 1 || quality > 100) {
        return -EINVAL;
    }
    jpeg = calloc(1, sizeof(*jpeg));
    if (jpeg == NULL) {
        return -ENOMEM;
    }
    jpeg->width_px = width_px;
    jpeg->height_px = height_px;
    jpeg->quality = quality;
    r = encoder_init(jpeg);
    if (r < 0) {
        jpeg_free(jpeg);
        return r;
    }
    *ret_jpeg = jpeg;
    return 0;
}

void jpeg_free(struct jpeg *jpeg)
{
    if (jpeg == NULL) {
        return;
    }
    if (jpeg->decoder != NULL) {
        tjDestroy(jpeg->decoder);
    }
    if (jpeg->encoder != NULL) {
        tjDestroy(jpeg->encoder);
    }
    resample_free(jpeg->luma);
    resample_free(jpeg->chroma);
    free(jpeg->source.memory);
    free(jpeg->send.memory);
    free(jpeg->encoded);
    free(jpeg);
}

static int refuse(struct jpeg *jpeg, const char *text)
{
    snprintf(jpeg->error, sizeof(jpeg->error), "%s", text);
    return JPEG_REFUSED;
}

static int refuse_undecodable(struct jpeg *jpeg)
{
    snprintf(jpeg->error, sizeof(jpeg->error), "cannot be decoded: %s",
             tjGetErrorStr2(jpeg->decoder));
    tjDestroy(jpeg->decoder);
    jpeg->decoder = NULL;
    return JPEG_REFUSED;
}

static struct cover cover_get(const struct jpeg *jpeg, int width_px, int height_px)
{
    double step = fmin((double)width_px / jpeg->width_px, (double)height_px / jpeg->height_px);

    return (struct cover){
        .x = (width_px - step * jpeg->width_px) / 2,
        .y = height_px - step * jpeg->height_px,
        .step = step,
    };
}

/* The smallest DCT scale up to 1 that leaves at least one decoded pixel for each send pixel. */
static tjscalingfactor scale_choose(double step)
{
    tjscalingfactor best = {1, 1};
    int count = 0;
    const tjscalingfactor *factors = tjGetScalingFactors(&count);

    for (int i = 0; i < count; i++) {
        bool covers = factors[i].num * step >= factors[i].denom;

        if (covers && factors[i].num * best.denom < best.num * factors[i].denom) {
            best = factors[i];
        }
    }
    return best;
}

/* What one plane of the source shows in `out` samples of the same plane to be sent. */
static struct resample_axis axis_get(int in, int out, double from, double step, int source_density,
                                     int send_density)
{
    return (struct resample_axis){
        .in = in,
        .out = out,
        .from = from / source_density,
        .span = step * out * send_density / source_density,
    };
}

/* Planes 1 and 2 have the same shape, and one plan. */
static int plane_plan(const struct jpeg *jpeg, struct resample *resample, int i, struct cover cover)
{
    const struct planes *source = &jpeg->source;
    const struct planes *send = &jpeg->send;
    /* Luma pixels for one sample of this plane. TurboJPEG pads an odd luma plane by a column or row
     * that is no picture. */
    int source_x = i == 0 ? 1 : tjMCUWidth[source->sampling] / 8;
    int source_y = i == 0 ? 1 : tjMCUHeight[source->sampling] / 8;
    int send_xy = i == 0 ? 1 : 2;
    int width = (source->width_px + source_x - 1) / source_x;
    int height = (source->height_px + source_y - 1) / source_y;
    struct resample_axis x = axis_get(width, tjPlaneWidth(i, send->width_px, send->sampling),
                                      cover.x, cover.step, source_x, send_xy);
    struct resample_axis y = axis_get(height, tjPlaneHeight(i, send->height_px, send->sampling),
                                      cover.y, cover.step, source_y, send_xy);

    return resample_plan(resample, &x, &y);
}

static void plane_resample(struct jpeg *jpeg, struct resample *resample, int i)
{
    resample_run(resample, jpeg->source.plane[i], (size_t)jpeg->source.stride[i],
                 jpeg->send.plane[i], (size_t)jpeg->send.stride[i]);
}

static void plane_clear(struct planes *planes, int i)
{
    size_t height = (size_t)tjPlaneHeight(i, planes->height_px, planes->sampling);

    memset(planes->plane[i], CHROMA_NEUTRAL, (size_t)planes->stride[i] * height);
}

static int source_to_send(struct jpeg *jpeg, struct cover cover)
{
    int r = plane_plan(jpeg, jpeg->luma, 0, cover);

    if (r < 0) {
        return r;
    }
    plane_resample(jpeg, jpeg->luma, 0);
    if (jpeg->source.count == 1) {
        plane_clear(&jpeg->send, 1);
        plane_clear(&jpeg->send, 2);
        return 0;
    }
    r = plane_plan(jpeg, jpeg->chroma, 1, cover);
    if (r < 0) {
        return r;
    }
    plane_resample(jpeg, jpeg->chroma, 1);
    plane_resample(jpeg, jpeg->chroma, 2);
    return 0;
}

/* `from` is 4:2:0 of the send size. With all parameters in range, memory is the only thing that an
 * encoder can lack. */
static int planes_to_jpeg(struct jpeg *jpeg, const struct planes *from,
                          struct jpeg_picture *ret_picture)
{
    const unsigned char *planes[PLANES_MAX] = {from->plane[0], from->plane[1], from->plane[2]};
    unsigned long size = 0;

    if (tjCompressFromYUVPlanes(jpeg->encoder, planes, jpeg->width_px, from->stride,
                                jpeg->height_px, TJSAMP_420, &jpeg->encoded, &size, jpeg->quality,
                                TJFLAG_NOREALLOC) != 0) {
        return -ENOMEM;
    }
    *ret_picture = (struct jpeg_picture){.bytes = jpeg->encoded, .size = size};
    return 0;
}

static int header_read(struct jpeg *jpeg, const uint8_t *bytes, const struct jfif_info *info,
                       int *ret_sampling)
{
    int width, height, sampling, colorspace;

    if (jpeg->decoder == NULL && (jpeg->decoder = tjInitDecompress()) == NULL) {
        return -ENOMEM;
    }
    if (tjDecompressHeader3(jpeg->decoder, bytes, info->size, &width, &height, &sampling,
                            &colorspace) != 0) {
        return refuse_undecodable(jpeg);
    }
    if (sampling < 0 || width != info->width_px || height != info->height_px) {
        return refuse(jpeg, "has an unusual frame header");
    }
    if (colorspace != TJCS_YCbCr && colorspace != TJCS_GRAY) {
        return refuse(jpeg, "is stored in unusual colours (not Y, Cb, Cr)");
    }
    *ret_sampling = sampling;
    return 0;
}

static int jpeg_to_source(struct jpeg *jpeg, const uint8_t *bytes, const struct jfif_info *info,
                          tjscalingfactor scale)
{
    struct planes *source = &jpeg->source;
    int sampling = 0;
    int r = header_read(jpeg, bytes, info, &sampling);

    if (r == 0) {
        r = planes_shape(source, TJSCALED(info->width_px, scale), TJSCALED(info->height_px, scale),
                         sampling);
    }
    if (r != 0) {
        return r;
    }
    if (tjDecompressToYUVPlanes(jpeg->decoder, bytes, info->size, source->plane, source->width_px,
                                source->stride, source->height_px, TJFLAG_STOPONWARNING) != 0) {
        return refuse_undecodable(jpeg);
    }
    return 0;
}

static int transcode(struct jpeg *jpeg, const uint8_t *bytes, const struct jfif_info *info,
                     struct jpeg_picture *ret_picture)
{
    struct cover cover = cover_get(jpeg, info->width_px, info->height_px);
    tjscalingfactor scale = scale_choose(cover.step);
    double factor = (double)scale.num / scale.denom;
    int r = jpeg_to_source(jpeg, bytes, info, scale);

    if (r == 0) {
        r = source_to_send(jpeg, (struct cover){.x = cover.x * factor,
                                                .y = cover.y * factor,
                                                .step = cover.step * factor});
    }
    return r != 0 ? r : planes_to_jpeg(jpeg, &jpeg->send, ret_picture);
}

int jpeg_fit(struct jpeg *jpeg, const uint8_t *bytes, size_t size, struct jpeg_picture *ret_picture)
{
    struct jfif_info info;
    enum jfif_error error = jfif_check(bytes, size, &info);

    if (error != JFIF_OK) {
        return refuse(jpeg, jfif_error_text(error));
    }
    if (info.width_px == jpeg->width_px && info.height_px == jpeg->height_px && info.has_huffman) {
        *ret_picture =
            (struct jpeg_picture){.bytes = bytes, .size = info.size, .passed_through = true};
        return 0;
    }
    return transcode(jpeg, bytes, &info, ret_picture);
}

static int size_check(struct jpeg *jpeg, int width_px, int height_px)
{
    if (width_px < 1 || width_px > JFIF_SIDE_MAX || height_px < 1 || height_px > JFIF_SIDE_MAX) {
        return refuse(jpeg, "has a side of 0 or of more than 8192 px");
    }
    return 0;
}

static int rgb_check(struct jpeg *jpeg, int width_px, int height_px, size_t stride)
{
    if (size_check(jpeg, width_px, height_px) != 0) {
        return JPEG_REFUSED;
    }
    if (stride < 3 * (size_t)width_px || stride > INT_MAX) {
        return refuse(jpeg, "has rows of an impossible length");
    }
    return 0;
}

static int rgb_to_jpeg(struct jpeg *jpeg, const uint8_t *rgb, int stride,
                       struct jpeg_picture *ret_picture)
{
    unsigned long size = 0;

    if (tjCompress2(jpeg->encoder, rgb, jpeg->width_px, stride, jpeg->height_px, TJPF_RGB,
                    &jpeg->encoded, &size, TJSAMP_420, jpeg->quality, TJFLAG_NOREALLOC) != 0) {
        return -ENOMEM;
    }
    *ret_picture = (struct jpeg_picture){.bytes = jpeg->encoded, .size = size};
    return 0;
}

static int rgb_to_source(struct jpeg *jpeg, const uint8_t *rgb, int width_px, int height_px,
                         int stride)
{
    struct planes *source = &jpeg->source;
    int r = planes_shape(source, width_px, height_px, TJSAMP_420);

    if (r < 0) {
        return r;
    }
    if (tjEncodeYUVPlanes(jpeg->encoder, rgb, width_px, stride, height_px, TJPF_RGB, source->plane,
                          source->stride, TJSAMP_420, 0) != 0) {
        return -ENOMEM;
    }
    return 0;
}

int jpeg_fit_rgb(struct jpeg *jpeg, const uint8_t *rgb, int width_px, int height_px, size_t stride,
                 struct jpeg_picture *ret_picture)
{
    int r = rgb_check(jpeg, width_px, height_px, stride);

    if (r != 0) {
        return r;
    }
    if (width_px == jpeg->width_px && height_px == jpeg->height_px) {
        return rgb_to_jpeg(jpeg, rgb, (int)stride, ret_picture);
    }
    r = rgb_to_source(jpeg, rgb, width_px, height_px, (int)stride);
    if (r == 0) {
        r = source_to_send(jpeg, cover_get(jpeg, width_px, height_px));
    }
    return r != 0 ? r : planes_to_jpeg(jpeg, &jpeg->send, ret_picture);
}

static int planes_check(struct jpeg *jpeg, const struct jpeg_planes *planes, int sampling)
{
    if (size_check(jpeg, planes->width_px, planes->height_px) != 0) {
        return JPEG_REFUSED;
    }
    for (int i = 0; i < PLANES_MAX; i++) {
        int width = tjPlaneWidth(i, planes->width_px, sampling);

        if (planes->stride[i] < (width + RESAMPLE_BLOCK - 1) / RESAMPLE_BLOCK * RESAMPLE_BLOCK) {
            return refuse(jpeg, "has rows of an impossible length");
        }
    }
    return 0;
}

/* The caller's planes stand in for the source's own for as long as one call. They are only read. */
static void planes_borrow(struct planes *source, const struct jpeg_planes *planes, int sampling)
{
    source->width_px = planes->width_px;
    source->height_px = planes->height_px;
    source->sampling = sampling;
    source->count = PLANES_MAX;
    for (int i = 0; i < PLANES_MAX; i++) {
        source->plane[i] = (uint8_t *)(uintptr_t)planes->plane[i];
        source->stride[i] = planes->stride[i];
    }
}

int jpeg_fit_planes(struct jpeg *jpeg, const struct jpeg_planes *planes,
                    struct jpeg_picture *ret_picture)
{
    int sampling = planes->half_height ? TJSAMP_420 : TJSAMP_422;
    int r = planes_check(jpeg, planes, sampling);

    if (r != 0) {
        return r;
    }
    planes_borrow(&jpeg->source, planes, sampling);
    if (planes->half_height && planes->width_px == jpeg->width_px &&
        planes->height_px == jpeg->height_px) {
        return planes_to_jpeg(jpeg, &jpeg->source, ret_picture);
    }
    r = source_to_send(jpeg, cover_get(jpeg, planes->width_px, planes->height_px));
    return r != 0 ? r : planes_to_jpeg(jpeg, &jpeg->send, ret_picture);
}

const char *jpeg_error(const struct jpeg *jpeg)
{
    return jpeg->error;
}
