/* See libcamera.h. Compiles against libcamera 0.0.3, 0.4.0 and 0.7.2 from one text: it names no
 * type that changed between them (the vector of roles, the string of an id) and asks for nothing
 * that came later.
 *
 * A request and its buffer are one thing here. It is always in one of three places: in the camera,
 * in `newest`, or with the caller (`taken`). libcamera's thread puts a complete one into `newest`
 * and sends back the one that stood there; the caller takes it out and gives it back.
 *
 * The end. `lock` makes "is it over?" and queueing one step: once `over` is set, what was handed
 * back is in libcamera's queue ahead of the stop, and after it nothing completes. The stop of an
 * unplugged camera fails; then a call that libcamera's thread has to answer empties the queue.
 * Requests, buffers and camera go in this order, each before what it points to.
 *
 * A camera that fell silent may be one that was pulled out before libcamera heard of it from udev.
 * To stop it then is the end of the process (0.4 asserts that its queue is empty, and the kernel
 * has not given the buffers back); once libcamera knows, it is not. So a silent one is given time
 * for that.
 */
#include "hal/camera/libcamera.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include <linux/dma-buf.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libcamera/libcamera.h>

namespace
{

struct Known {
    libcamera::PixelFormat theirs;
    enum pixels_format ours;
};

/* In the order in which they are wanted. */
const Known known[PIXELS_FORMATS] = {
    {libcamera::formats::MJPEG, PIXELS_JPEG}, {libcamera::formats::YUV420, PIXELS_YUV420},
    {libcamera::formats::NV12, PIXELS_NV12},  {libcamera::formats::YUYV, PIXELS_YUYV},
    {libcamera::formats::BGR888, PIXELS_RGB}, {libcamera::formats::RGB888, PIXELS_BGR},
};

const int64_t silent = 500000000;      /* nanoseconds without a picture */
const std::chrono::seconds hearing{3}; /* until udev has told libcamera of an unplugged camera */

const Known *find_known(const libcamera::PixelFormat &format)
{
    for (const Known &candidate : known) {
        if (candidate.theirs == format) {
            return &candidate;
        }
    }
    return nullptr;
}

int64_t clock_ns(clockid_t clock)
{
    struct timespec time;

    (void)clock_gettime(clock, &time);
    return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

/* The planes of one buffer. Several may lie in one piece of memory; each is mapped by itself, from
 * the piece's beginning, because an offset need not be one of a page. */
class Mapping
{
  public:
    Mapping() = default;
    Mapping(const Mapping &) = delete;

    ~Mapping()
    {
        for (const Piece &piece : pieces_) {
            (void)munmap(piece.memory, piece.size);
        }
    }

    int map(const libcamera::FrameBuffer &buffer)
    {
        for (const auto &plane : buffer.planes()) {
            size_t offset = plane.offset == plane.kInvalidOffset ? 0 : plane.offset;
            size_t size = offset + plane.length;
            off_t there = lseek(plane.fd.get(), 0, SEEK_END);
            void *memory;

            if (there >= 0 && size_t(there) < size) {
                return -EOVERFLOW; /* reading behind the end would be a SIGBUS */
            }
            memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, plane.fd.get(), 0);
            if (memory == MAP_FAILED) {
                return -errno;
            }
            pieces_.push_back({memory, size, plane.fd.get()});
            planes_.push_back({static_cast<const uint8_t *>(memory) + offset, plane.length, 0});
        }
        return planes_.empty() || planes_.size() > PIXELS_PLANES ? -ENOTSUP : 0;
    }

    const std::vector<struct pixels_plane> &planes() const
    {
        return planes_;
    }

    /* What the device wrote has to be seen through the caches. Memory that needs nothing of the
     * kind does not know the call. */
    void sync(uint64_t flags) const
    {
        struct dma_buf_sync sync = {flags | DMA_BUF_SYNC_READ};
        int last = -1;

        for (const Piece &piece : pieces_) {
            if (piece.fd != last) {
                (void)ioctl(piece.fd, DMA_BUF_IOCTL_SYNC, &sync);
            }
            last = piece.fd;
        }
    }

  private:
    struct Piece {
        void *memory;
        size_t size;
        int fd;
    };

    std::vector<Piece> pieces_;
    std::vector<struct pixels_plane> planes_;
};

int refuse(char *ret_reason, int result, const std::string &text)
{
    (void)snprintf(ret_reason, LIBCAMERA_REASON_SIZE, "%s", text.c_str());
    return result;
}

/* The border: no exception gets over it. */
template <typename Body> int guarded(Body body) noexcept
{
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    } catch (...) {
        return -EIO;
    }
}

uint64_t area_of(const libcamera::Size &size)
{
    return uint64_t(size.width) * size.height;
}

/* The smallest that covers what is wanted, or the largest. */
libcamera::Size choose_size(const libcamera::StreamFormats &formats,
                            const libcamera::PixelFormat &format, const libcamera::Size &wanted)
{
    libcamera::Size best, largest;

    for (const libcamera::Size &size : formats.sizes(format)) {
        if (size.width >= wanted.width && size.height >= wanted.height &&
            (best.isNull() || area_of(size) < area_of(best))) {
            best = size;
        }
        largest = area_of(size) > area_of(largest) ? size : largest;
    }
    best = best.isNull() ? largest : best;
    return best.isNull() ? wanted : best; /* no list: the camera makes of it what it can */
}

const char *location_of(const libcamera::ControlList &properties)
{
    static const char *const names[] = {"front", "back", "external"};
    const auto location = properties.get(libcamera::properties::Location);

    return location && *location >= 0 && *location <= 2 ? names[*location] : "";
}

} // namespace

struct libcamera_manager {
    libcamera::CameraManager theirs;
};

struct libcamera_stream {
    struct libcamera_manager *owner = nullptr;
    std::shared_ptr<libcamera::Camera> camera;
    std::unique_ptr<libcamera::CameraConfiguration> configuration;
    std::unique_ptr<libcamera::FrameBufferAllocator> allocator;
    std::vector<std::unique_ptr<Mapping>> mappings; /* in the order of the requests' cookies */
    std::vector<std::unique_ptr<libcamera::Request>> requests;
    std::string mode;
    struct pixels_source shape = {};
    int fd = -1;
    bool acquired = false;
    libcamera::Request *taken = nullptr;

    std::mutex lock;
    bool over = false;
    bool gone = false; /* libcamera knows */
    std::condition_variable changed;
    std::atomic<int64_t> last_ns{0}; /* of a sign of life; 0: not started */
    std::atomic<libcamera::Request *> newest{nullptr};
    std::vector<std::atomic<int64_t>> arrived_ns; /* by cookie */
    std::atomic<unsigned long> errors{0};

    ~libcamera_stream();
    void send_back(libcamera::Request *request);
    void completed(libcamera::Request *request);
    int negotiate(int width_px, int height_px, char *ret_reason);
    int make_buffers();
    int start();
    void end();
};

/* Any thread. */
void libcamera_stream::send_back(libcamera::Request *request)
{
    std::lock_guard<std::mutex> guard(lock);

    if (!over) {
        request->reuse(libcamera::Request::ReuseBuffers);
        (void)camera->queueRequest(request);
    }
}

/* libcamera's thread. */
void libcamera_stream::completed(libcamera::Request *request)
{
    uint64_t one = 1;

    if (request->status() == libcamera::Request::RequestCancelled) {
        return;
    }
    last_ns.store(clock_ns(CLOCK_MONOTONIC), std::memory_order_relaxed);
    if (request->buffers().begin()->second->metadata().status !=
        libcamera::FrameMetadata::FrameSuccess) {
        errors++; /* of the transfer; or a picture that is not yet one */
        send_back(request);
        return;
    }
    arrived_ns[request->cookie()].store(clock_ns(CLOCK_MONOTONIC), std::memory_order_relaxed);
    request = newest.exchange(request, std::memory_order_acq_rel);
    if (request != nullptr) {
        send_back(request);
    }
    (void)!write(fd, &one, sizeof(one)); /* cannot fail: it would take 2^64 - 2 unread ones */
}

int libcamera_stream::negotiate(int width_px, int height_px, char *ret_reason)
{
    const libcamera::Size wanted{unsigned(width_px), unsigned(height_px)};
    std::string offered;

    for (const Known &candidate : known) {
        configuration = camera->generateConfiguration({libcamera::StreamRole::VideoRecording});
        if (configuration == nullptr || configuration->empty()) {
            return refuse(ret_reason, -EIO, "camera " + camera->id() + " has no configuration");
        }
        libcamera::StreamConfiguration &stream = configuration->at(0);
        const auto offers = stream.formats().pixelformats();

        if (!offers.empty() &&
            std::find(offers.begin(), offers.end(), candidate.theirs) == offers.end()) {
            continue;
        }
        stream.size = choose_size(stream.formats(), candidate.theirs, wanted);
        stream.pixelFormat = candidate.theirs;
        if (candidate.ours != PIXELS_RGB && candidate.ours != PIXELS_BGR) {
            stream.colorSpace = libcamera::ColorSpace::Sycc; /* that of a JPEG */
        }
        if (configuration->validate() == libcamera::CameraConfiguration::Invalid) {
            continue;
        }
        /* An adjusted one may be something else that is as good. */
        const Known *given = find_known(stream.pixelFormat);

        offered += (offered.empty() ? "" : ", ") + stream.pixelFormat.toString();
        if (given != nullptr && configuration->size() == 1) {
            shape.format = given->ours;
            return 0;
        }
    }
    return refuse(ret_reason, -ENOTSUP,
                  "camera " + camera->id() + " gives no format that can be used" +
                      (offered.empty() ? "" : ", but " + offered));
}

int libcamera_stream::make_buffers()
{
    libcamera::Stream *stream = configuration->at(0).stream();
    int result;

    allocator = std::make_unique<libcamera::FrameBufferAllocator>(camera);
    result = allocator->allocate(stream);
    if (result < 0) {
        return result;
    }
    for (const auto &buffer : allocator->buffers(stream)) {
        auto request = camera->createRequest(requests.size());
        auto mapping = std::make_unique<Mapping>();

        result = request == nullptr ? -ENOMEM : mapping->map(*buffer);
        if (result == 0) {
            result = request->addBuffer(stream, buffer.get());
        }
        if (result < 0) {
            return result;
        }
        requests.push_back(std::move(request));
        mappings.push_back(std::move(mapping));
    }
    arrived_ns = std::vector<std::atomic<int64_t>>(requests.size());
    return requests.empty() ? -ENOBUFS : 0;
}

int libcamera_stream::start()
{
    camera->requestCompleted.connect(this,
                                     [this](libcamera::Request *request) { completed(request); });
    camera->disconnected.connect(this, [this]() {
        std::lock_guard<std::mutex> guard(lock);

        gone = true;
        changed.notify_all();
    });
    last_ns.store(clock_ns(CLOCK_MONOTONIC), std::memory_order_relaxed);
    int result = camera->start();

    for (auto request = requests.begin(); result == 0 && request != requests.end(); request++) {
        result = camera->queueRequest(request->get());
    }
    return result;
}

void libcamera_stream::end()
{
    std::unique_lock<std::mutex> guard(lock);
    int64_t silent_ns = clock_ns(CLOCK_MONOTONIC) - last_ns.load(std::memory_order_relaxed);

    over = true;
    if (last_ns.load(std::memory_order_relaxed) != 0 && silent_ns >= silent) {
        changed.wait_for(guard, hearing, [this] { return gone; });
    }
}

libcamera_stream::~libcamera_stream()
{
    end();
    if (acquired) {
        if (camera->stop() < 0) {
            (void)camera->invokeMethod(&libcamera::Camera::stop, libcamera::ConnectionTypeBlocking);
        }
        camera->requestCompleted.disconnect(this);
        camera->disconnected.disconnect(this);
        requests.clear();
        allocator.reset();
        (void)camera->release();
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

const char *libcamera_version(void) noexcept
{
    return libcamera::CameraManager::version().c_str();
}

void libcamera_hush(void) noexcept
{
    (void)setenv("LIBCAMERA_LOG_LEVELS", "*:ERROR", 0);
}

int libcamera_new(struct libcamera_manager **ret_manager) noexcept
{
    return guarded([=] {
        auto made = std::make_unique<struct libcamera_manager>();
        int result = made->theirs.start();

        if (result == 0) {
            *ret_manager = made.release();
        }
        return result;
    });
}

void libcamera_free(struct libcamera_manager *manager) noexcept
{
    delete manager;
}

/* One of them, told through plain pointers into what lives here. */
static void tell(const std::shared_ptr<libcamera::Camera> &camera,
                 void (*each)(void *user, const struct libcamera_camera *camera), void *user)
{
    auto configuration = camera->generateConfiguration({libcamera::StreamRole::VideoRecording});
    const auto &properties = camera->properties();
    const std::string model(properties.get(libcamera::properties::Model).value_or(""));
    std::deque<std::string> names; /* whose members stay where they are */
    std::deque<std::vector<struct libcamera_size>> sizes;
    std::vector<struct libcamera_mode> modes;

    if (configuration != nullptr && !configuration->empty()) {
        const libcamera::StreamFormats &formats = configuration->at(0).formats();

        for (const libcamera::PixelFormat &format : formats.pixelformats()) {
            names.push_back(format.toString());
            sizes.emplace_back();
            for (const libcamera::Size &size : formats.sizes(format)) {
                sizes.back().push_back({int(size.width), int(size.height)});
            }
            modes.push_back({names.back().c_str(), find_known(format) != nullptr,
                             sizes.back().data(), sizes.back().size()});
        }
    }
    const struct libcamera_camera told = {camera->id().c_str(), model.c_str(),
                                          location_of(properties), modes.data(), modes.size()};

    each(user, &told);
}

int libcamera_list(struct libcamera_manager *manager,
                   void (*each)(void *user, const struct libcamera_camera *camera),
                   void *user) noexcept
{
    return guarded([=] {
        for (const auto &camera : manager->theirs.cameras()) {
            tell(camera, each, user);
        }
        return 0;
    });
}

static int find(struct libcamera_manager *manager, const std::string &id, char *ret_reason,
                std::shared_ptr<libcamera::Camera> *ret_camera)
{
    const auto cameras = manager->theirs.cameras();
    std::string ids;

    if (id.empty() && cameras.size() == 1) {
        *ret_camera = cameras[0];
        return 0;
    }
    for (const auto &camera : cameras) {
        if (!id.empty() && camera->id() == id) {
            *ret_camera = camera;
            return 0;
        }
        ids += (ids.empty() ? "" : ", ") + camera->id();
    }
    if (cameras.empty()) {
        return refuse(ret_reason, -ENODEV, "no camera is there");
    }
    return id.empty() ? refuse(ret_reason, -ENOTUNIQ, "there are several cameras: " + ids)
                      : refuse(ret_reason, -ENODEV, "camera " + id + " is not there, but " + ids);
}

int libcamera_find(struct libcamera_manager *manager, const char *id,
                   char ret_reason[LIBCAMERA_REASON_SIZE]) noexcept
{
    (void)snprintf(ret_reason, LIBCAMERA_REASON_SIZE, "libcamera failed");
    return guarded([=] {
        std::shared_ptr<libcamera::Camera> camera;

        return find(manager, id, ret_reason, &camera);
    });
}

/* What the camera agreed to. */
static void note_shape(struct libcamera_stream *stream)
{
    const libcamera::StreamConfiguration &agreed = stream->configuration->at(0);

    stream->shape.width_px = int(agreed.size.width);
    stream->shape.height_px = int(agreed.size.height);
    stream->shape.stride = agreed.stride;
    stream->shape.limited =
        agreed.colorSpace && agreed.colorSpace->range == libcamera::ColorSpace::Range::Limited;
    stream->mode = agreed.pixelFormat.toString() + " " + agreed.size.toString();
}

static int open_stream(struct libcamera_manager *manager, const char *id, int width_px,
                       int height_px, struct libcamera_stream **ret_stream, char *ret_reason)
{
    auto stream = std::make_unique<struct libcamera_stream>();
    int result = find(manager, id, ret_reason, &stream->camera);

    if (result < 0) {
        return result;
    }
    stream->owner = manager;
    stream->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    result = stream->fd < 0 ? -errno : stream->camera->acquire();
    if (result < 0) {
        return refuse(ret_reason, result,
                      "camera " + stream->camera->id() +
                          (result == -EBUSY ? " is used by another program" : " cannot be had"));
    }
    stream->acquired = true;
    result = stream->negotiate(width_px, height_px, ret_reason);
    if (result < 0) {
        return result;
    }
    result = stream->camera->configure(stream->configuration.get());
    if (result == 0) {
        note_shape(stream.get());
        result = stream->make_buffers();
    }
    if (result == 0) {
        result = stream->start();
    }
    if (result < 0) {
        return refuse(ret_reason, result, "camera " + stream->camera->id() + " does not start");
    }
    *ret_stream = stream.release();
    return 0;
}

int libcamera_open(struct libcamera_manager *manager, const char *id, int width_px, int height_px,
                   struct libcamera_stream **ret_stream,
                   char ret_reason[LIBCAMERA_REASON_SIZE]) noexcept
{
    (void)snprintf(ret_reason, LIBCAMERA_REASON_SIZE, "libcamera failed");
    return guarded(
        [=] { return open_stream(manager, id, width_px, height_px, ret_stream, ret_reason); });
}

void libcamera_close(struct libcamera_stream *stream) noexcept
{
    delete stream;
}

const char *libcamera_mode_text(const struct libcamera_stream *stream) noexcept
{
    return stream->mode.c_str();
}

int libcamera_fd(const struct libcamera_stream *stream) noexcept
{
    return stream->fd;
}

unsigned long libcamera_errors(const struct libcamera_stream *stream) noexcept
{
    return stream->errors;
}

/* How the fill is told differs between handlers: for each plane, or once for all of them. */
static void note_fill(struct pixels_source *source, const libcamera::FrameMetadata &metadata)
{
    const auto told = metadata.planes();
    size_t all = 0;

    for (const auto &plane : told) {
        all += plane.bytesused;
    }
    for (size_t i = 0; i < source->plane_count; i++) {
        struct pixels_plane *plane = &source->plane[i];

        plane->used =
            told.size() == source->plane_count ? told[i].bytesused : std::min(all, plane->length);
        all -= std::min(all, plane->used);
    }
}

static struct libcamera_picture describe(struct libcamera_stream *stream)
{
    const libcamera::Request *request = stream->taken;
    const libcamera::FrameBuffer *buffer = request->buffers().begin()->second;
    const auto &planes = stream->mappings[request->cookie()]->planes();
    const auto &metadata = stream->taken->metadata();
    struct libcamera_picture picture = {};

    picture.source = stream->shape;
    picture.source.plane_count = planes.size();
    std::copy(planes.begin(), planes.end(), picture.source.plane);
    note_fill(&picture.source, buffer->metadata());
    picture.sequence = buffer->metadata().sequence;
    picture.sensor_ns = metadata.get(libcamera::controls::SensorTimestamp).value_or(0);
    picture.buffer_ns = int64_t(buffer->metadata().timestamp);
    picture.arrived_ns = stream->arrived_ns[request->cookie()].load(std::memory_order_relaxed);
    picture.boot_ahead_ns = clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC);
    return picture;
}

int libcamera_take(struct libcamera_stream *stream, struct libcamera_picture *ret_picture) noexcept
{
    return guarded([=] {
        uint64_t count;

        (void)!read(stream->fd, &count, sizeof(count)); /* empty: as good */
        stream->taken = stream->newest.exchange(nullptr, std::memory_order_acq_rel);
        if (stream->taken == nullptr) {
            const auto all = stream->owner->theirs.cameras();
            bool there = std::find(all.begin(), all.end(), stream->camera) != all.end();

            return there ? int(LIBCAMERA_NO_PICTURE) : -ENODEV;
        }
        stream->mappings[stream->taken->cookie()]->sync(DMA_BUF_SYNC_START);
        *ret_picture = describe(stream);
        return 0;
    });
}

void libcamera_give_back(struct libcamera_stream *stream) noexcept
{
    if (stream->taken != nullptr) {
        (void)guarded([=] {
            stream->mappings[stream->taken->cookie()]->sync(DMA_BUF_SYNC_END);
            stream->send_back(stream->taken);
            return 0;
        });
    }
    stream->taken = nullptr;
}
