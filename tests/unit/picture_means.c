/* picture-means FILE COLUMNS ROWS: the size of a JPEG, and the mean colour of each cell of a grid
 * over it, one "R G B" a line, row by row. For tests that have to know what is in a picture. */
#include <stdio.h>
#include <stdlib.h>
#include <turbojpeg.h>

#define FILE_MAX (16 * 1024 * 1024)

struct image {
    int width, height;
    unsigned char *rgb;
};

static size_t read_file(const char *path, unsigned char **ret_bytes)
{
    FILE *file = fopen(path, "rbe");
    unsigned char *bytes = malloc(FILE_MAX);
    size_t size = 0;

    if (file != NULL && bytes != NULL) {
        size = fread(bytes, 1, FILE_MAX, file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    *ret_bytes = bytes;
    return size;
}

static int decode(const char *path, struct image *ret_image)
{
    unsigned char *bytes;
    size_t size = read_file(path, &bytes);
    tjhandle decoder = tjInitDecompress();
    int sampling, colours, result;

    result = tjDecompressHeader3(decoder, bytes, size, &ret_image->width, &ret_image->height,
                                 &sampling, &colours);
    if (result == 0) {
        ret_image->rgb = malloc((size_t)ret_image->width * (size_t)ret_image->height * 3);
        result = tjDecompress2(decoder, bytes, size, ret_image->rgb, ret_image->width, 0,
                               ret_image->height, TJPF_RGB, TJFLAG_STOPONWARNING);
    }
    if (result != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, tjGetErrorStr2(decoder));
    }
    (void)tjDestroy(decoder);
    free(bytes);
    return result;
}

static void print_cell(const struct image *image, int x0, int x1, int y0, int y1)
{
    long sums[3] = {0}, count = (long)(x1 - x0) * (y1 - y0);

    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            for (int i = 0; i < 3; i++) {
                sums[i] +=
                    image->rgb[((size_t)y * (size_t)image->width + (size_t)x) * 3 + (size_t)i];
            }
        }
    }
    for (int i = 0; i < 3 && count > 0; i++) {
        printf("%ld%s", sums[i] / count, i < 2 ? " " : "\n");
    }
}

int main(int argc, char **argv)
{
    struct image image = {0};
    int columns = argc == 4 ? atoi(argv[2]) : 0, rows = argc == 4 ? atoi(argv[3]) : 0;

    if (columns < 1 || rows < 1) {
        (void)fputs("usage: picture-means FILE COLUMNS ROWS\n", stderr);
        return 64;
    }
    if (decode(argv[1], &image) != 0) {
        free(image.rgb);
        return 65;
    }
    printf("%d %d\n", image.width, image.height);
    for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
            print_cell(&image, image.width * column / columns, image.width * (column + 1) / columns,
                       image.height * row / rows, image.height * (row + 1) / rows);
        }
    }
    free(image.rgb);
    return 0;
}
