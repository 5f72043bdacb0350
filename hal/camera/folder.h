/* A camera that is a folder of JPEG files (or one file), in name order: recorded frames for the dry
 * run and for tests.
 *
 * The list is made when the folder is opened: names that end in .jpg or .jpeg, any case, sorted by
 * bytes of the name; others and hidden ones (the ._ files that macOS leaves on memory cards) are
 * left out. A single file may have any name. A file is read when its turn comes, into a buffer that
 * the folder owns and reuses. What stands in it is not looked at: an empty file is a frame of size
 * 0. One thread.
 */
#ifndef HAL_CAMERA_FOLDER_H
#define HAL_CAMERA_FOLDER_H

#include <stddef.h>

#include "hal/camera/frame.h"

#define FOLDER_FILE_SIZE_MAX (16 * 1024 * 1024) /* bytes; a larger file is unreadable: -EFBIG */

struct folder;

enum folder_result {
    FOLDER_END = 1, /* no further file */
};

/* 0 or -errno: -ENOENT and the like of `path`, -ENODATA when a folder holds no JPEG. Free with
 * folder_close, which accepts NULL. */
int folder_open(const char *path, struct folder **ret_folder);
void folder_close(struct folder *folder);

size_t folder_count(const struct folder *folder);

/* Reads the next file. 0; FOLDER_END; or -errno when this one file cannot be read (-ENOENT, -EFBIG,
 * -EACCES, -EISDIR, -EINVAL of a pipe or device, -EIO when it got shorter while it was read): then
 * only `seq` and `name` of the frame are set and the next call goes on behind it. `seq` is the
 * file's place in the list from 1, counted on over rewinds. `bytes` are valid until the next call,
 * `name` as long as the folder. */
int folder_next(struct folder *folder, struct frame *ret_frame);

/* Starts over with the first file. */
void folder_rewind(struct folder *folder);

#endif
