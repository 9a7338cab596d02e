// The C++ header: values, moves, exceptions, and spans on the memory of the library.
#include <atomic>
#include <chrono>
#include <cstring>
#include <iostream>
#include <string>
#include <type_traits>

#include "../c/check.h"
#include "optiverse.hpp"

using namespace std::string_literals;

namespace {

template <typename T>
constexpr bool is_move_only = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                              !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
static_assert(is_move_only<optiverse::text> && is_move_only<optiverse::edit> && is_move_only<optiverse::items> &&
              is_move_only<optiverse::scene> && is_move_only<optiverse::control> &&
              is_move_only<optiverse::paths> && is_move_only<optiverse::system> &&
              is_move_only<optiverse::session> && is_move_only<optiverse::tracer> &&
              is_move_only<optiverse::update> && is_move_only<optiverse::partial_trace> && is_move_only<optiverse::client> && is_move_only<optiverse::peers> &&
              is_move_only<optiverse::users>);

// The error that a call throws.
template <typename Call>
optiverse::error thrown(Call &&call) {
  try {
    call();
  } catch (const optiverse::error &error) {
    return error;
  }
  std::cerr << "nothing was thrown\n";
  std::exit(1);
}

void scenes_and_edits() {
  auto scene = optiverse::scene::parse(BENCH);
  CHECK(scene.items().view().size() == 4);
  const auto before = scene.to_json().str();
  optiverse::edit edit;
  edit.move("M1", 5.0, 0.5).set("laser", "wavelength_nm", 532.0).set("laser", "name", "green"s);
  edit.set_json("laser", "tags", "[1]").unset("laser", "size_mm").set_document_json("title", "\"bench\"");
  edit.unset_document("not there").add("texts", R"({"item_uuid": "new"})", 0).remove("BS");
  auto inverse = scene.apply_with_inverse(edit);
  CHECK(scene.number("M1", "x_mm") == 5.0 && scene.property("laser", "name").view() == "\"green\"");
  CHECK(scene.document_property("title").view() == "\"bench\"" && scene.warnings().view().empty());
  CHECK(scene.item("new").view().find("new") != std::string_view::npos);
  auto copy = scene.copy();
  scene.apply(inverse);
  CHECK(scene.to_json().view() == before && copy.to_json().view() != before);
  copy.apply(edit.clear());
}

void errors_carry_code_message_item_and_key(const std::string &folder) {
  auto scene = optiverse::scene::parse(BENCH);
  auto error = thrown([&] { scene.apply(optiverse::edit().set("M1", "item_uuid", "M2"s)); });
  CHECK(error.code() == OPTIVERSE_RESULT_FIXED_KEY && error.item() == "M1" && error.key() == "item_uuid");
  CHECK(std::strstr(error.what(), "item_uuid") != nullptr && error.value().empty());
  error = thrown([&] { optiverse::scene::load(folder + "/none.json"); });
  CHECK(error.code() == OPTIVERSE_RESULT_FILE_NOT_FOUND);
  scene.save(folder + "/cpp.json");
  CHECK(optiverse::scene::load(folder + "/cpp.json").to_json().view() == scene.to_json().view());
}

void moving() {
  optiverse::scene first = optiverse::scene::parse(BENCH);
  optiverse::scene second = std::move(first);
  CHECK(first.get() == nullptr && second.items().view().size() == 4);
  CHECK(thrown([&] { first.to_json(); }).code() == OPTIVERSE_RESULT_NULL_PARAMETER);
  first = std::move(second);
  auto &same = first;
  first = std::move(same);
  CHECK(first.items().view().size() == 4);
}

void traces() {
  const optiverse::system system(optiverse::scene::parse(BENCH), OPTIVERSE_COMPILE_MODE_STRICT);
  CHECK(system.reports().empty());
  const auto paths = system.trace();
  CHECK(paths.size() == 6 && paths.points(0).front().x == -100.0 && paths.ending(0) == OPTIVERSE_ENDING_LEFT);
  // No copies.
  CHECK(paths.points(0).data() == paths.arrays().points);
  double sum = 0.0;
  for (std::size_t i = 0; i < paths.size(); i++) sum += paths.intensities(i).back();
  CHECK(sum > 2.999999 && sum < 3.000001);
  for (const auto &jones : paths.of(0, paths.arrays().jones)) CHECK(jones.h_im == 0.0);
  CHECK(paths.items().size() == 2 && optiverse::view(paths.items()[0]) == "M1");
  CHECK(optiverse::view(paths.sources()[0]) == "laser");
  CHECK(paths.power().balance.emitted == 3.0 && !paths.power().is_truncated);
  CHECK(system.svg(&paths).view().substr(0, 4) == "<svg" && paths.csv().view().substr(0, 5) == "path,");

  auto options = optiverse::trace_options(OPTIVERSE_PRESET_OPTIVERSE034);
  options.min_intensity = -1.0;
  CHECK(thrown([&] { system.trace(options); }).key() == "min_intensity");
  options = optiverse::trace_options();
  std::uint64_t rays = 0;
  system.trace(options, [&](std::uint64_t done, std::uint64_t) {
    rays = done;
    return true;
  });
  CHECK(rays == 3);
  CHECK(thrown([&] { system.trace(options, [](auto, auto) { return false; }); }).code() == OPTIVERSE_RESULT_CANCELLED);
  optiverse::control control;
  control.cancel();
  CHECK(thrown([&] { system.trace(options, &control); }).code() == OPTIVERSE_RESULT_CANCELLED);
  CHECK(control.progress().second == 3 || control.progress().second == 0);
  // What the callback throws comes out where the trace was called.
  try {
    system.trace(options, [](auto, auto) -> bool { throw std::out_of_range("mine"); });
    CHECK(!"thrown");
  } catch (const std::out_of_range &mine) {
    CHECK(mine.what() == "mine"s);
  }
}

void traces_within_a_time() {
  const optiverse::system system(optiverse::scene::parse(BENCH), OPTIVERSE_COMPILE_MODE_STRICT);
  const auto whole = system.trace();
  auto partial = system.trace_within(std::chrono::hours(1));
  CHECK(partial.is_complete() && partial.stride() == 1 && partial.rays_total() == 3 && partial.rays().size() == 3);
  CHECK(partial.rays().back().source == 0 && partial.rays().back().ray == 2);
  const auto paths = partial.paths();
  CHECK(paths.size() == whole.size());
  const auto bytes = whole.arrays().vertex_count * sizeof(optiverse_point);
  CHECK(std::memcmp(whole.arrays().points, paths.arrays().points, bytes) == 0);

  partial = system.trace_within(std::chrono::milliseconds(0));
  CHECK(!partial.is_complete() && !partial.stride() && partial.rays().empty() && partial.paths().size() == 0);
  const auto error = thrown([&] { system.trace_within(std::chrono::duration<double>(-0.5)); });
  CHECK(error.code() == OPTIVERSE_RESULT_INVALID_ARGUMENT && error.key() == "seconds" && error.value() == "-0.5");
  auto options = optiverse::trace_options();
  optiverse::control control;
  control.cancel();
  CHECK(thrown([&] { system.trace_within(std::chrono::seconds(1), options, &control); }).code() ==
        OPTIVERSE_RESULT_CANCELLED);
}

void tracers() {
  optiverse::tracer tracer(optiverse::scene::parse(BENCH));
  const auto before = tracer.paths();
  auto update = tracer.update(optiverse::edit().move("M1", 1.0, 0.0));
  CHECK(!update.is_whole() && update.rays().size() == 3 && update.traced_rays() == 3);
  CHECK(update.paths().size() == update.indices().size() && tracer.scene().number("M1", "x_mm") == 1.0);
  CHECK(tracer.system().svg().view().substr(0, 4) == "<svg");
  update = tracer.update(update.inverse());
  const auto after = tracer.paths();
  CHECK(after.size() == before.size());
  const auto bytes = before.arrays().vertex_count * sizeof(optiverse_point);
  CHECK(std::memcmp(before.arrays().points, after.arrays().points, bytes) == 0);

  auto scene = tracer.scene();
  scene.apply(optiverse::edit().move("M1", 1.0, 0.0));
  update = tracer.replace(scene);
  CHECK(!update.is_whole() && update.rays().size() == 3 && tracer.scene().number("M1", "x_mm") == 1.0);
  CHECK(thrown([&] { update.inverse(); }).key() == "update");
  optiverse::control control;
  control.cancel();
  CHECK(thrown([&] { tracer.replace(optiverse::scene::parse(BENCH), &control); }).code() == OPTIVERSE_RESULT_CANCELLED);
  tracer.replace(optiverse::scene());
  CHECK(tracer.paths().size() == 0);
}

// A key for a test; a program fills it from the system's source of randomness.
optiverse_replica_key key_of(std::uint8_t number) { return {{number}}; }

void sessions() {
  constexpr std::uint64_t now_ms = 1763700000000;
  optiverse::session session(key_of(1));
  CHECK(session.poll_event()->kind == OPTIVERSE_EVENT_KIND_CONNECT && !session.poll_event());
  CHECK(!session.poll_timeout() && !session.poll_transmit());
  session.share(optiverse::scene::parse(BENCH), now_ms);
  session.apply(optiverse::edit().move("M1", 3.0, 4.0), now_ms);
  session.apply(optiverse::edit().move("M1", 5.0, 4.0), now_ms, OPTIVERSE_UNDO_STEP_CONTINUE);
  auto resumed = optiverse::session::resume(key_of(3), session.save().view());
  CHECK(resumed.state().pending == session.state().pending && resumed.scene().number("M1", "x_mm") == 5.0);
  CHECK(session.undo(now_ms) && session.scene().number("M1", "x_mm") == 0.0);
  CHECK(session.poll_event()->kind == OPTIVERSE_EVENT_KIND_CHANGED);
  resumed.scene().apply(session.changed_edit());
  CHECK(session.redo(now_ms) && !session.redo(now_ms));
  session.handle_disconnected(now_ms);
  session.handle_timeout(*session.poll_timeout());
  session.handle_connected(now_ms);
  const std::string frame = "{\"type\":\"connection:ack\",\"users\":[{\"user_id\":\"bob\"}],\"sync\":{\"protocol\":1}}";
  session.handle_frame(reinterpret_cast<const std::uint8_t *>(frame.data()), frame.size(), now_ms);
  CHECK(session.poll_transmit()->size() > 10);
  const auto users = session.users();
  CHECK(users.view().size() == 1 && optiverse::view(users.view()[0]) == "bob");
  session.set_presence({1, 1.0, 2.0, nullptr, 0, {"", 0}}, now_ms);
  session.stop();
  CHECK(session.state().status == OPTIVERSE_STATUS_OFFLINE);
  session.start();
  CHECK(thrown([] { optiverse::session::resume(key_of(1), "{}"); }).code() == OPTIVERSE_RESULT_SAVED_WORK);
  CHECK(thrown([] { optiverse::session(key_of(0)); }).code() == OPTIVERSE_RESULT_INVALID_ARGUMENT);
}

void clients() {
  using std::chrono::milliseconds;
  constexpr milliseconds patience(60000);
  // Nobody listens there.
  const auto url = "ws://127.0.0.1:1/ws/lab"s;
  std::atomic<int> rung{0};
  optiverse::client_options options;
  options.user = "ada";
  options.on_events = [&rung] { rung++; };
  optiverse::client client(url, options);
  auto event = client.wait_event(patience);
  while (event && event->kind != OPTIVERSE_EVENT_KIND_DISCONNECTED) event = client.wait_event(patience);
  CHECK(event && event->body.disconnected.is_final == 0);
  client.share(optiverse::scene::parse(BENCH));
  client.apply(optiverse::edit().move("M1", 3.0, 4.0));
  client.apply(optiverse::edit().move("M1", 5.0, 4.0), OPTIVERSE_UNDO_STEP_CONTINUE);
  CHECK(client.undo() && client.scene().number("M1", "x_mm") == 0.0 && client.redo() && !client.redo());
  client.set_presence({1, 1.0, 2.0, nullptr, 0, {"", 0}});
  client.retry();
  CHECK(client.peers().view().empty() && client.users().view().empty() && !client.wait_synchronised(milliseconds(-1)));

  // The callback goes with the client, wherever that is moved to.
  optiverse::client moved = std::move(client);
  const auto pending = moved.state().pending;
  optiverse::client_options resumed;
  resumed.saved = moved.save().str();
  client = optiverse::client(url + "/ada", resumed);
  CHECK(client.state().pending == pending && client.scene().number("M1", "x_mm") == 5.0);
  client = std::move(moved);
  CHECK(client.close(milliseconds(0)) == pending && rung > 0);
  while (client.wait_event(patience)) {}
  CHECK(thrown([&] { client.undo(); }).code() == OPTIVERSE_RESULT_CLOSED);
  CHECK(thrown([&] { optiverse::client{url}; }).code() == OPTIVERSE_RESULT_ADDRESS);
}

}  // namespace

int main(int argc, char **argv) {
  CHECK(argc == 2);
  scenes_and_edits();
  errors_carry_code_message_item_and_key(argv[1]);
  moving();
  traces();
  traces_within_a_time();
  tracers();
  sessions();
  clients();
  CHECK(optiverse_handle_count() == 0);
  CHECK(optiverse::version() == std::string(OPTIVERSE_VERSION));
  return 0;
}
