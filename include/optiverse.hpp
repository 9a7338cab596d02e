// The C++ interface of the Optiverse engine: optiverse.h with values, exceptions and spans. C++17, header only.
//
// Each class owns one handle: it can be moved and not copied, and frees the handle at its end. An object that was moved from
// holds none; using it throws. What fails throws `optiverse::error`. Spans and string views show memory of the library
// without a copy, for as long as the object they came from lives; nothing here copies arrays.
// What the functions do is said in optiverse.h, and so is what may be called from which thread.
#ifndef OPTIVERSE_HPP
#define OPTIVERSE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "optiverse.h"

namespace optiverse {

// What a call of the library failed with: a code, a sentence (`what`), and the item, key and value at fault, each empty where
// it does not apply.
class error : public std::runtime_error {
 public:
  error(optiverse_result code, const std::string &message, std::string_view item, std::string_view key,
        std::string_view value)
      : std::runtime_error(message), code_(code), item_(item), key_(key), value_(value) {}

  optiverse_result code() const noexcept { return code_; }
  const std::string &item() const noexcept { return item_; }
  const std::string &key() const noexcept { return key_; }
  const std::string &value() const noexcept { return value_; }

 private:
  optiverse_result code_;
  std::string item_, key_, value_;
};

// Entries that lie one after the other in memory of the library.
template <typename T>
class span {
 public:
  constexpr span() noexcept = default;
  constexpr span(const T *data, std::size_t size) noexcept : data_(data), size_(size) {}

  constexpr const T *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr const T *begin() const noexcept { return data_; }
  constexpr const T *end() const noexcept { return data_ + size_; }
  // `index` must be less than `size()`.
  constexpr const T &operator[](std::size_t index) const noexcept { return data_[index]; }
  constexpr const T &front() const noexcept { return data_[0]; }
  constexpr const T &back() const noexcept { return data_[size_ - 1]; }
  // `count` entries from `first` on; both must lie within.
  constexpr span subspan(std::size_t first, std::size_t count) const noexcept { return {data_ + first, count}; }

 private:
  const T *data_ = nullptr;
  std::size_t size_ = 0;
};

// A text of the library as a view of it.
inline std::string_view view(const optiverse_str &text) noexcept { return {text.data, text.length}; }

namespace detail {

[[noreturn]] inline void raise(optiverse_result code) {
  optiverse_error last;
  if (optiverse_last_error(&last) != OPTIVERSE_RESULT_OK) throw error(code, optiverse_result_name(code), {}, {}, {});
  throw error(code, std::string(view(last.message)), view(last.item), view(last.key), view(last.value));
}

inline void check(optiverse_result code) {
  if (code != OPTIVERSE_RESULT_OK) raise(code);
}

// Owns one handle of a type.
template <typename T, optiverse_result (*Free)(T *)>
class handle {
 public:
  explicit handle(T *raw) noexcept : raw_(raw) {}
  handle(handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  handle &operator=(handle &&other) noexcept {
    if (this != &other) {
      Free(raw_);
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  handle(const handle &) = delete;
  handle &operator=(const handle &) = delete;
  ~handle() { Free(raw_); }

  // The handle, for functions of optiverse.h; null after a move.
  T *get() const noexcept { return raw_; }

 private:
  T *raw_;
};

// What a function gives by its last parameter.
template <typename T, typename Call>
T *made(Call &&call) {
  T *raw = nullptr;
  check(call(&raw));
  return raw;
}

// The yes or no that a function gives by its last parameter.
template <typename Call>
bool answered(Call &&call) {
  std::uint8_t answer = 0;
  check(call(&answer));
  return answer != 0;
}

// The list that a function shows.
template <typename T, typename Call>
span<T> shown(Call &&call) {
  const T *first = nullptr;
  std::size_t count = 0;
  check(call(&first, &count));
  return {first, count};
}

}  // namespace detail

// Text that the library made.
class text : public detail::handle<optiverse_text, optiverse_text_free> {
 public:
  using handle::handle;

  std::string_view view() const {
    optiverse_str shown;
    detail::check(optiverse_text_view(get(), &shown));
    return optiverse::view(shown);
  }
  std::string str() const { return std::string(view()); }
};

// Changes of a scene, in order. Calls can be chained.
class edit : public detail::handle<optiverse_edit, optiverse_edit_free> {
 public:
  using handle::handle;
  edit() : handle(detail::made<optiverse_edit>(optiverse_edit_new)) {}

  edit &clear() { return done(optiverse_edit_clear(get())); }
  edit &move(const std::string &id, double x_mm, double y_mm) {
    return done(optiverse_edit_move(get(), id.c_str(), x_mm, y_mm));
  }
  edit &set(const std::string &id, const std::string &key, double number) {
    return done(optiverse_edit_set_number(get(), id.c_str(), key.c_str(), number));
  }
  edit &set(const std::string &id, const std::string &key, const std::string &text) {
    return done(optiverse_edit_set_text(get(), id.c_str(), key.c_str(), text.c_str()));
  }
  edit &set_json(const std::string &id, const std::string &key, const std::string &json) {
    return done(optiverse_edit_set_json(get(), id.c_str(), key.c_str(), json.c_str()));
  }
  edit &unset(const std::string &id, const std::string &key) {
    return done(optiverse_edit_unset(get(), id.c_str(), key.c_str()));
  }
  edit &set_document_json(const std::string &key, const std::string &json) {
    return done(optiverse_edit_set_json(get(), nullptr, key.c_str(), json.c_str()));
  }
  edit &unset_document(const std::string &key) { return done(optiverse_edit_unset(get(), nullptr, key.c_str())); }
  edit &add(const std::string &section, const std::string &json, std::size_t position = OPTIVERSE_AT_END) {
    return done(optiverse_edit_add(get(), section.c_str(), json.c_str(), position));
  }
  edit &remove(const std::string &id) { return done(optiverse_edit_remove(get(), id.c_str())); }

 private:
  edit &done(optiverse_result code) {
    detail::check(code);
    return *this;
  }
};

// The items of a scene as they were when the list was made.
class items : public detail::handle<optiverse_items, optiverse_items_free> {
 public:
  using handle::handle;

  span<optiverse_item> view() const {
    return detail::shown<optiverse_item>(
        [this](auto *first, auto *count) { return optiverse_items_view(get(), first, count); });
  }
};

// A layout, read and written without loss.
class scene : public detail::handle<optiverse_scene, optiverse_scene_free> {
 public:
  using handle::handle;
  scene() : handle(detail::made<optiverse_scene>(optiverse_scene_new)) {}

  // Linked assemblies are looked for in the folder of `path`; without one no file is read.
  static scene parse(std::string_view text, const std::string &path = {}) {
    const char *file = path.empty() ? nullptr : path.c_str();
    return scene(detail::made<optiverse_scene>(
        [&](auto *out) { return optiverse_scene_parse(text.data(), text.size(), file, out); }));
  }
  static scene load(const std::string &path) {
    return scene(detail::made<optiverse_scene>([&](auto *out) { return optiverse_scene_load(path.c_str(), out); }));
  }
  void save(const std::string &path) const { detail::check(optiverse_scene_save(get(), path.c_str())); }
  scene copy() const {
    return scene(detail::made<optiverse_scene>([this](auto *out) { return optiverse_scene_copy(get(), out); }));
  }
  text to_json() const {
    return text(detail::made<optiverse_text>([this](auto *out) { return optiverse_scene_to_json(get(), out); }));
  }
  text warnings() const {
    return text(detail::made<optiverse_text>([this](auto *out) { return optiverse_scene_warnings(get(), out); }));
  }
  optiverse::items items() const {
    return optiverse::items(
        detail::made<optiverse_items>([this](auto *out) { return optiverse_scene_items(get(), out); }));
  }
  text item(const std::string &id) const {
    return text(
        detail::made<optiverse_text>([&](auto *out) { return optiverse_scene_item(get(), id.c_str(), out); }));
  }
  text property(const std::string &id, const std::string &key) const {
    return text(detail::made<optiverse_text>(
        [&](auto *out) { return optiverse_scene_property(get(), id.c_str(), key.c_str(), out); }));
  }
  text document_property(const std::string &key) const {
    return text(detail::made<optiverse_text>(
        [&](auto *out) { return optiverse_scene_property(get(), nullptr, key.c_str(), out); }));
  }
  double number(const std::string &id, const std::string &key) const {
    double value = 0.0;
    detail::check(optiverse_scene_number(get(), id.c_str(), key.c_str(), &value));
    return value;
  }

  // Makes all changes of an edit or none.
  void apply(const edit &changes) { detail::check(optiverse_scene_apply(get(), changes.get(), nullptr)); }
  // As `apply`; returns what takes the changes back.
  edit apply_with_inverse(const edit &changes) {
    return edit(detail::made<optiverse_edit>(
        [&](auto *out) { return optiverse_scene_apply(get(), changes.get(), out); }));
  }
};

// Default options, with the laws of a preset.
inline optiverse_trace_options trace_options(optiverse_preset preset = OPTIVERSE_PRESET_EXACT) {
  optiverse_trace_options options;
  detail::check(optiverse_trace_options_init(&options));
  detail::check(optiverse_physics_init(&options.physics, preset));
  return options;
}

// Default options of pictures.
inline optiverse_svg_options svg_options() {
  optiverse_svg_options options;
  detail::check(optiverse_svg_options_init(&options));
  return options;
}

// Stops a trace and tells how far it is, from any thread.
class control : public detail::handle<optiverse_control, optiverse_control_free> {
 public:
  using handle::handle;
  control() : handle(detail::made<optiverse_control>(optiverse_control_new)) {}

  void cancel() { detail::check(optiverse_control_cancel(get())); }
  // Source rays done, and in all.
  std::pair<std::uint64_t, std::uint64_t> progress() const {
    std::uint64_t done = 0, total = 0;
    detail::check(optiverse_control_progress(get(), &done, &total));
    return {done, total};
  }
};

// Where the power went, and whether the trace stopped at `max_vertices`.
struct power {
  optiverse_power_balance balance;
  bool is_truncated;
};

// The result of a trace.
class paths : public detail::handle<optiverse_paths, optiverse_paths_free> {
 public:
  explicit paths(optiverse_paths *raw) : handle(raw) { detail::check(optiverse_paths_arrays(raw, &arrays_)); }

  // The number of paths.
  std::size_t size() const noexcept { return arrays_.path_count; }
  // All arrays as they are in optiverse.h.
  const optiverse_arrays &arrays() const noexcept { return arrays_; }

  // The entries of path `index`, which must be less than `size()`, in an array with one entry a vertex:
  // `paths.of(0, paths.arrays().points)`.
  template <typename T>
  span<T> of(std::size_t index, const T *vertices) const noexcept {
    const auto first = static_cast<std::size_t>(arrays_.offsets[index]);
    return {vertices + first, static_cast<std::size_t>(arrays_.offsets[index + 1]) - first};
  }
  span<optiverse_point> points(std::size_t index) const noexcept { return of(index, arrays_.points); }
  span<double> intensities(std::size_t index) const noexcept { return of(index, arrays_.intensities); }
  optiverse_ending ending(std::size_t index) const noexcept {
    return static_cast<optiverse_ending>(arrays_.endings[index]);
  }

  // The ids that `hit_items` points to.
  span<optiverse_str> items() const {
    return detail::shown<optiverse_str>(
        [this](auto *first, auto *count) { return optiverse_paths_items(get(), first, count); });
  }
  // The ids that `source_indices` points to.
  span<optiverse_str> sources() const {
    return detail::shown<optiverse_str>(
        [this](auto *first, auto *count) { return optiverse_paths_sources(get(), first, count); });
  }
  optiverse::power power() const {
    optiverse::power out;
    std::uint8_t is_truncated = 0;
    detail::check(optiverse_paths_power(get(), &out.balance, &is_truncated));
    out.is_truncated = is_truncated != 0;
    return out;
  }
  text csv() const {
    return text(detail::made<optiverse_text>([this](auto *out) { return optiverse_csv(get(), out); }));
  }

 private:
  optiverse_arrays arrays_;
};

// As much of a trace as time allowed.
class partial_trace : public detail::handle<optiverse_partial_trace, optiverse_partial_trace_free> {
 public:
  explicit partial_trace(optiverse_partial_trace *raw) : handle(raw) {
    detail::check(optiverse_partial_trace_view(raw, &info_));
  }

  // Whether every ray was traced, below `max_vertices`: the paths are then the same, bit for bit, as those of `trace`.
  bool is_complete() const noexcept { return info_.is_complete != 0; }
  // The rays that were traced, in order.
  span<optiverse_ray_id> rays() const noexcept { return {info_.rays, info_.ray_count}; }
  // The number of rays of all sources.
  std::uint64_t rays_total() const noexcept { return info_.rays_total; }
  // Of every source, each ray was traced whose number is a multiple of this; none where it ended in the first pass.
  std::optional<std::uint64_t> stride() const noexcept {
    return info_.stride == 0 ? std::nullopt : std::optional(info_.stride);
  }
  // The paths of the rays that were traced, in the order of a whole trace.
  optiverse::paths paths() const {
    return optiverse::paths(
        detail::made<optiverse_paths>([this](auto *out) { return optiverse_partial_trace_paths(get(), out); }));
  }

 private:
  optiverse_partial_trace_info info_;
};

// Is told source rays done and in all; the trace is cancelled if it returns false or throws, and what it throws is passed on.
using progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// Surfaces and sources, ready to be traced.
class system : public detail::handle<optiverse_system, optiverse_system_free> {
 public:
  using handle::handle;
  explicit system(const scene &layout, optiverse_compile_mode mode = OPTIVERSE_COMPILE_MODE_LENIENT)
      : handle(detail::made<optiverse_system>(
            [&](auto *out) { return optiverse_system_new(layout.get(), mode, out); })) {}

  span<optiverse_report> reports() const {
    return detail::shown<optiverse_report>(
        [this](auto *first, auto *count) { return optiverse_system_reports(get(), first, count); });
  }

  paths trace(const optiverse_trace_options &options = trace_options(), const control *stop = nullptr) const {
    return paths(detail::made<optiverse_paths>([&](auto *out) {
      return optiverse_trace(get(), &options, stop ? stop->get() : nullptr, nullptr, nullptr, out);
    }));
  }
  paths trace(const optiverse_trace_options &options, const progress &told, const control *stop = nullptr) const {
    watcher watching{told, nullptr};
    optiverse_paths *raw = nullptr;
    const auto code =
        optiverse_trace(get(), &options, stop ? stop->get() : nullptr, watcher::call, &watching, &raw);
    if (watching.thrown) std::rethrow_exception(watching.thrown);
    detail::check(code);
    return paths(raw);
  }

  // Traces as much as `time` allows, coarsely first. Any unit converts, as `std::chrono::milliseconds(16)`; a bare number is
  // seconds, `std::chrono::duration<double>(0.016)`. Not negative.
  partial_trace trace_within(std::chrono::duration<double> time,
                             const optiverse_trace_options &options = trace_options(),
                             const control *stop = nullptr) const {
    return partial_trace(detail::made<optiverse_partial_trace>([&](auto *out) {
      return optiverse_trace_within(get(), &options, time.count(), stop ? stop->get() : nullptr, out);
    }));
  }

  // A picture, with the light of `light` where there is any.
  text svg(const paths *light = nullptr, const optiverse_svg_options &options = svg_options()) const {
    return text(detail::made<optiverse_text>(
        [&](auto *out) { return optiverse_svg(get(), light ? light->get() : nullptr, &options, out); }));
  }

 private:
  // Keeps exceptions from crossing the library.
  struct watcher {
    const progress &told;
    std::exception_ptr thrown;

    static std::int32_t call(void *self, std::uint64_t done, std::uint64_t total) noexcept {
      auto &watching = *static_cast<watcher *>(self);
      if (watching.thrown) return 1;
      try {
        return watching.told(done, total) ? 0 : 1;
      } catch (...) {
        watching.thrown = std::current_exception();
        return 1;
      }
    }
  };
};

// What an edit, or another scene, has changed in the paths of a tracer.
class update : public detail::handle<optiverse_update, optiverse_update_free> {
 public:
  explicit update(optiverse_update *raw) : handle(raw) { detail::check(optiverse_update_view(raw, &info_)); }

  // Whether all is to be drawn anew.
  bool is_whole() const noexcept { return info_.is_whole != 0; }
  // The rays of which any path is not what it was, in order.
  span<optiverse_ray_id> rays() const noexcept { return {info_.rays, info_.ray_count}; }
  // The place of each path among all paths of the tracer.
  span<std::size_t> indices() const noexcept { return {info_.indices, info_.path_count}; }
  // How many source rays were traced to find out.
  std::uint64_t traced_rays() const noexcept { return info_.traced_rays; }
  // The paths of these rays as they are now.
  optiverse::paths paths() const {
    return optiverse::paths(
        detail::made<optiverse_paths>([this](auto *out) { return optiverse_update_paths(get(), out); }));
  }
  // What takes the edit back. Throws for an update of `tracer::replace`, which has none.
  edit inverse() const {
    return edit(detail::made<optiverse_edit>([this](auto *out) { return optiverse_update_inverse(get(), out); }));
  }

 private:
  optiverse_update_info info_;
};

// A scene with the paths of its light, which follow its edits.
class tracer : public detail::handle<optiverse_tracer, optiverse_tracer_free> {
 public:
  using handle::handle;
  // The tracer keeps a copy of the scene.
  explicit tracer(const optiverse::scene &layout, const optiverse_trace_options &options = trace_options(),
                  const control *stop = nullptr)
      : handle(detail::made<optiverse_tracer>([&](auto *out) {
          return optiverse_tracer_new(layout.get(), &options, stop ? stop->get() : nullptr, out);
        })) {}

  optiverse::update update(const edit &changes, const control *stop = nullptr) {
    return optiverse::update(detail::made<optiverse_update>([&](auto *out) {
      return optiverse_tracer_update(get(), changes.get(), stop ? stop->get() : nullptr, out);
    }));
  }
  // Takes a copy of another scene in place of the present one, and traces what they do not have in common.
  optiverse::update replace(const optiverse::scene &layout, const control *stop = nullptr) {
    return optiverse::update(detail::made<optiverse_update>([&](auto *out) {
      return optiverse_tracer_replace(get(), layout.get(), stop ? stop->get() : nullptr, out);
    }));
  }
  optiverse::paths paths() const {
    return optiverse::paths(
        detail::made<optiverse_paths>([this](auto *out) { return optiverse_tracer_paths(get(), out); }));
  }
  optiverse::system system() const {
    return optiverse::system(
        detail::made<optiverse_system>([this](auto *out) { return optiverse_tracer_system(get(), out); }));
  }
  optiverse::scene scene() const {
    return optiverse::scene(
        detail::made<optiverse_scene>([this](auto *out) { return optiverse_tracer_scene(get(), out); }));
  }
};

// The names of the other connections in a session, as they were when the list was made.
class users : public detail::handle<optiverse_users, optiverse_users_free> {
 public:
  using handle::handle;

  span<optiverse_str> view() const {
    return detail::shown<optiverse_str>(
        [this](auto *first, auto *count) { return optiverse_users_view(get(), first, count); });
  }
};

// A client's side of a shared session. Times are in milliseconds since the Unix epoch. What a poll shows is good until the next
// poll of the same kind.
class session : public detail::handle<optiverse_session, optiverse_session_free> {
 public:
  using handle::handle;
  // `key` is random, a secret, and new for each session.
  explicit session(const optiverse_replica_key &key)
      : handle(detail::made<optiverse_session>([&](auto *out) { return optiverse_session_new(&key, out); })) {}

  // Goes on from what `save` gave. `key` is a new one; where edits are pending, the one that was saved with them is taken.
  static session resume(const optiverse_replica_key &key, std::string_view saved) {
    return session(detail::made<optiverse_session>(
        [&](auto *out) { return optiverse_session_resume(&key, saved.data(), saved.size(), out); }));
  }
  // For this user alone: who has it can go on as this session.
  text save() const {
    return text(detail::made<optiverse_text>([this](auto *out) { return optiverse_session_save(get(), out); }));
  }

  void handle_connected(std::uint64_t now_ms) { detail::check(optiverse_session_handle_connected(get(), now_ms)); }
  void handle_disconnected(std::uint64_t now_ms) {
    detail::check(optiverse_session_handle_disconnected(get(), now_ms));
  }
  void handle_timeout(std::uint64_t now_ms) { detail::check(optiverse_session_handle_timeout(get(), now_ms)); }
  void handle_frame(const std::uint8_t *frame, std::size_t length, std::uint64_t now_ms) {
    detail::check(optiverse_session_handle_frame(get(), frame, length, now_ms));
  }
  void start() { detail::check(optiverse_session_start(get())); }
  void stop() { detail::check(optiverse_session_stop(get())); }

  std::optional<optiverse_event> poll_event() {
    optiverse_event event;
    detail::check(optiverse_session_poll_event(get(), &event));
    return event.kind == OPTIVERSE_EVENT_KIND_NONE ? std::nullopt : std::optional(event);
  }
  // A text frame to send.
  std::optional<span<std::uint8_t>> poll_transmit() {
    optiverse_bytes frame;
    detail::check(optiverse_session_poll_transmit(get(), &frame));
    return frame.data ? std::optional(span<std::uint8_t>(frame.data, frame.length)) : std::nullopt;
  }
  // When to call `handle_timeout`; none for never.
  std::optional<std::uint64_t> poll_timeout() const {
    std::uint64_t at_ms = 0;
    detail::check(optiverse_session_poll_timeout(get(), &at_ms));
    return at_ms == UINT64_MAX ? std::nullopt : std::optional(at_ms);
  }

  optiverse_session_info state() const {
    optiverse_session_info info;
    detail::check(optiverse_session_state(get(), &info));
    return info;
  }
  optiverse::scene scene() const {
    return optiverse::scene(
        detail::made<optiverse_scene>([this](auto *out) { return optiverse_session_scene(get(), out); }));
  }
  optiverse::users users() const {
    return optiverse::users(
        detail::made<optiverse_users>([this](auto *out) { return optiverse_session_users(get(), out); }));
  }
  // The change of the event that was polled last.
  edit changed_edit() const {
    return edit(detail::made<optiverse_edit>([this](auto *out) { return optiverse_session_changed_edit(get(), out); }));
  }

  void apply(const edit &changes, std::uint64_t now_ms, optiverse_undo_step step = OPTIVERSE_UNDO_STEP_NEW) {
    detail::check(optiverse_session_edit(get(), changes.get(), step, now_ms));
  }
  void share(const optiverse::scene &layout, std::uint64_t now_ms) {
    detail::check(optiverse_session_share(get(), layout.get(), now_ms));
  }
  // Whether there was a step to undo.
  bool undo(std::uint64_t now_ms) {
    return detail::answered([&](auto *out) { return optiverse_session_undo(get(), now_ms, out); });
  }
  // Whether there was a step to redo.
  bool redo(std::uint64_t now_ms) {
    return detail::answered([&](auto *out) { return optiverse_session_redo(get(), now_ms, out); });
  }
  void set_presence(const optiverse_presence &here, std::uint64_t now_ms) {
    detail::check(optiverse_session_set_presence(get(), &here, now_ms));
  }
};

#if defined(OPTIVERSE_CLIENT)

// Those of the others in a session who have shown where they are, as they were when the list was made.
class peers : public detail::handle<optiverse_peers, optiverse_peers_free> {
 public:
  using handle::handle;

  span<optiverse_presence_event> view() const {
    return detail::shown<optiverse_presence_event>(
        [this](auto *first, auto *count) { return optiverse_peers_view(get(), first, count); });
  }
};

// What a client is started with; an empty text is none.
struct client_options {
  std::string user, password, token, root_certificates, saved;
  // Is called after events have come, on any thread. It must not wait, throw, or call a client.
  std::function<void()> on_events;
};

namespace detail {

// A callback at an address that stays. The base before the handle, so that it is there until the handle is freed.
struct waker {
  std::unique_ptr<std::function<void()>> wake;

  static void ring(void *self) noexcept { (*static_cast<std::function<void()> *>(self))(); }
};

}  // namespace detail

// A session with a thread and a socket of its own. What an event points to is good until the next one.
class client : private detail::waker, public detail::handle<optiverse_client, optiverse_client_free> {
 public:
  explicit client(const std::string &url, client_options options = {})
      : waker{std::make_unique<std::function<void()>>(std::move(options.on_events))},
        handle(connected(url, options, *wake)) {}
  client(client &&) noexcept = default;
  client &operator=(client &&other) noexcept {
    // The handle first: what it calls must be there until it is freed.
    handle::operator=(std::move(other));
    wake = std::move(other.wake);
    return *this;
  }

  // None if the time is up or the client is closed.
  std::optional<optiverse_event> wait_event(std::chrono::milliseconds timeout) {
    optiverse_event event;
    detail::check(optiverse_client_wait_event(get(), count(timeout), &event));
    return event.kind == OPTIVERSE_EVENT_KIND_NONE ? std::nullopt : std::optional(event);
  }
  bool wait_synchronised(std::chrono::milliseconds timeout) const {
    return detail::answered(
        [&](auto *out) { return optiverse_client_wait_synchronised(get(), count(timeout), out); });
  }
  void retry() { detail::check(optiverse_client_retry(get())); }
  // The number of edits that only `save` still holds.
  std::size_t close(std::chrono::milliseconds timeout) {
    std::size_t undecided = 0;
    detail::check(optiverse_client_close(get(), count(timeout), &undecided));
    return undecided;
  }

  optiverse_session_info state() const {
    optiverse_session_info info;
    detail::check(optiverse_client_state(get(), &info));
    return info;
  }
  optiverse::scene scene() const {
    return optiverse::scene(
        detail::made<optiverse_scene>([this](auto *out) { return optiverse_client_scene(get(), out); }));
  }
  optiverse::users users() const {
    return optiverse::users(
        detail::made<optiverse_users>([this](auto *out) { return optiverse_client_users(get(), out); }));
  }
  optiverse::peers peers() const {
    return optiverse::peers(
        detail::made<optiverse_peers>([this](auto *out) { return optiverse_client_peers(get(), out); }));
  }
  text save() const {
    return text(detail::made<optiverse_text>([this](auto *out) { return optiverse_client_save(get(), out); }));
  }

  void apply(const edit &changes, optiverse_undo_step step = OPTIVERSE_UNDO_STEP_NEW) {
    detail::check(optiverse_client_edit(get(), changes.get(), step));
  }
  void share(const optiverse::scene &layout) { detail::check(optiverse_client_share(get(), layout.get())); }
  // Whether there was a step to undo.
  bool undo() {
    return detail::answered([this](auto *out) { return optiverse_client_undo(get(), out); });
  }
  // Whether there was a step to redo.
  bool redo() {
    return detail::answered([this](auto *out) { return optiverse_client_redo(get(), out); });
  }
  void set_presence(const optiverse_presence &here) { detail::check(optiverse_client_set_presence(get(), &here)); }

 private:
  static std::uint64_t count(std::chrono::milliseconds timeout) noexcept {
    return timeout.count() > 0 ? static_cast<std::uint64_t>(timeout.count()) : 0;
  }

  static optiverse_client *connected(const std::string &url, const client_options &options,
                                     std::function<void()> &wake) {
    const auto given = [](const std::string &text) { return text.empty() ? nullptr : text.c_str(); };
    optiverse_client_options raw;
    detail::check(optiverse_client_options_init(&raw));
    raw.user = given(options.user);
    raw.password = given(options.password);
    raw.token = given(options.token);
    raw.root_certificates = given(options.root_certificates);
    raw.saved = given(options.saved);
    if (wake) {
      raw.on_events = waker::ring;
      raw.user_data = &wake;
    }
    return detail::made<optiverse_client>([&](auto *out) { return optiverse_client_connect(url.c_str(), &raw, out); });
  }
};

#endif  // OPTIVERSE_CLIENT

// The version of the library that is linked; that of the headers is `OPTIVERSE_VERSION`.
inline const char *version() noexcept { return optiverse_version(); }

}  // namespace optiverse

#endif  // OPTIVERSE_HPP
