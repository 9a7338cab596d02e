// Sessions: every event, every refusal; two of them over a server that only forwards, and one with a relay played by hand.
#include "check.h"

#define NOW 1763700000000u

static const char *const RELAY = "{\"type\":\"connection:ack\",\"session_id\":\"s\",\"user_id\":\"ada\",\"is_host\":false,"
                                 "\"users\":[],\"sync\":{\"protocol\":1,\"role\":\"%s\"}}";
static const char *const FORWARDER = "{\"type\":\"connection:ack\",\"session_id\":\"s\",\"user_id\":\"ada\",\"is_host\":%s,"
                                     "\"users\":[{\"user_id\":\"ada\"},{\"user_id\":\"bob\"}]}";
static const char *const WELCOME = "{\"type\":\"sync:welcome\",\"epoch\":\"0000000000000001\",\"sequence\":0,\"snapshot\":1}";

static void give(optiverse_session *session, const char *frame, uint64_t now_ms) {
  OK(optiverse_session_handle_frame(session, (const uint8_t *)frame, strlen(frame), now_ms));
}

static void greet(optiverse_session *session, const char *greeting, const char *argument, uint64_t now_ms) {
  char frame[1024];
  snprintf(frame, sizeof frame, greeting, argument);
  OK(optiverse_session_handle_connected(session, now_ms));
  give(session, frame, now_ms);
}

// The next event of this kind; those before it are let go.
static optiverse_event next(optiverse_session *session, uint32_t kind) {
  optiverse_event event;
  do {
    OK(optiverse_session_poll_event(session, &event));
    if (event.kind == OPTIVERSE_EVENT_KIND_NONE) {
      fprintf(stderr, "there is no event of kind %u\n", (unsigned)kind);
      exit(1);
    }
  } while (event.kind != kind);
  return event;
}

static void let_all_go(optiverse_session *session) {
  optiverse_event event;
  do OK(optiverse_session_poll_event(session, &event));
  while (event.kind != OPTIVERSE_EVENT_KIND_NONE);
}

static optiverse_session_info state_of(const optiverse_session *session) {
  optiverse_session_info info;
  OK(optiverse_session_state(session, &info));
  return info;
}

// The next frame as C text, which the caller frees; null if there is none.
static char *next_frame(optiverse_session *session) {
  optiverse_bytes frame;
  OK(optiverse_session_poll_transmit(session, &frame));
  if (frame.data == NULL) return NULL;
  char *copy = malloc(frame.length + 1);
  CHECK(copy != NULL);
  memcpy(copy, frame.data, frame.length);
  copy[frame.length] = 0;
  return copy;
}

static optiverse_edit *edit_of(const char *id) {
  optiverse_edit *edit;
  char json[128];
  snprintf(json, sizeof json, "{\"id\": \"%s\", \"kind\": \"lens\", \"x_mm\": 1, \"y_mm\": 2}", id);
  OK(optiverse_edit_new(&edit));
  OK(optiverse_edit_add(edit, "components", json, OPTIVERSE_AT_END));
  return edit;
}

static void expect_users(const optiverse_session *session, const char *first, const char *second) {
  const char *const expected[2] = {first, second};
  optiverse_users *users;
  const optiverse_str *user;
  size_t count, index = 0;
  OK(optiverse_session_users(session, &users));
  OK(optiverse_users_view(users, &user, &count));
  for (; index < 2 && expected[index] != NULL; index++) CHECK(index < count && is_text(user[index], expected[index]));
  CHECK(count == index);
  OK(optiverse_users_free(users));
}

static void who_is_there(void) {
  optiverse_session *session;
  OK(optiverse_session_new(KEY(1), &session));
  expect_users(session, NULL, NULL);
  greet(session, FORWARDER, "false", NOW);
  expect_users(session, "bob", NULL);
  give(session, "{\"type\":\"user:joined\",\"user_id\":\"ada\"}", NOW);
  expect_users(session, "bob", "ada");
  give(session, "{\"type\":\"user:left\",\"user_id\":\"bob\"}", NOW);
  expect_users(session, "ada", NULL);
  OK(optiverse_session_handle_disconnected(session, NOW));
  expect_users(session, NULL, NULL);
  greet(session, FORWARDER, "false", NOW);
  expect_users(session, "bob", NULL);
  OK(optiverse_session_free(session));
}

static void alone(void) {
  optiverse_session *session, *resumed = NULL;
  optiverse_scene *scene;
  optiverse_edit *edit = edit_of("lens"), *other;
  optiverse_text *saved;
  optiverse_str text;
  optiverse_session_info info;
  optiverse_bytes frame = {NULL, 7};
  uint64_t at_ms;
  uint8_t is_done = 7;
  double x;
  OK(optiverse_session_new(KEY(1), &session));
  CHECK(next(session, OPTIVERSE_EVENT_KIND_CONNECT).body.attempt == 1);
  info = state_of(session);
  CHECK(info.status == OPTIVERSE_STATUS_CONNECTING && info.attempt == 1 && info.role == OPTIVERSE_ROLE_UNKNOWN);
  OK(optiverse_session_poll_timeout(session, &at_ms));
  CHECK(at_ms == UINT64_MAX);
  OK(optiverse_session_poll_transmit(session, &frame));
  CHECK(frame.data == NULL && frame.length == 0);

  // Work without a relay.
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_move(edit, "lens", 10.0, 0.0));
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_move(edit, "lens", 11.0, 0.0));
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_CONTINUE, NOW));
  info = state_of(session);
  CHECK(info.pending == 3 && info.can_undo == 1 && info.can_redo == 0);
  OK(optiverse_session_undo(session, NOW, &is_done));
  CHECK(is_done == 1 && state_of(session).can_redo == 1);
  optiverse_event event = next(session, OPTIVERSE_EVENT_KIND_CHANGED);
  CHECK(event.body.changed.changed_count == 1 && event.body.changed.added_count == 0);
  CHECK(is_text(event.body.changed.changed[0].item, "lens") && event.body.changed.changed[0].key_count == 2);
  OK(optiverse_session_scene(session, &scene));
  OK(optiverse_scene_number(scene, "lens", "x_mm", &x));
  CHECK(x == 1.0);
  OK(optiverse_session_redo(session, NOW, &is_done));
  next(session, OPTIVERSE_EVENT_KIND_CHANGED);
  OK(optiverse_session_changed_edit(session, &other));
  OK(optiverse_scene_apply(scene, other, NULL));
  OK(optiverse_edit_free(other));
  OK(optiverse_scene_number(scene, "lens", "x_mm", &x));
  CHECK(x == 11.0);
  OK(optiverse_scene_free(scene));
  OK(optiverse_session_redo(session, NOW, &is_done));
  CHECK(is_done == 0);

  // Going on in another process.
  OK(optiverse_session_save(session, &saved));
  OK(optiverse_text_view(saved, &text));
  EXPECT(SAVED_WORK, optiverse_session_resume(KEY(3), "{}", 2, &resumed));
  EXPECT(SAVED_WORK, optiverse_session_resume(KEY(3), text.data, text.length - 1, &resumed));
  EXPECT(INVALID_UTF8, optiverse_session_resume(KEY(3), "\xff", 1, &resumed));
  CHECK(resumed == NULL);
  OK(optiverse_session_resume(KEY(3), text.data, text.length, &resumed));
  OK(optiverse_text_free(saved));
  CHECK(state_of(resumed).pending == state_of(session).pending);
  OK(optiverse_session_free(resumed));

  // What cannot be shared.
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_set_json(edit, NULL, "layer_state", "{}"));
  EXPECT(NOT_SHARED, optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  char *large = malloc(300000);
  CHECK(large != NULL);
  memset(large, 'a', 299999);
  large[299999] = 0;
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_set_text(edit, "lens", "note", large));
  free(large);
  EXPECT(EDIT_LIMIT, optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_remove(edit, "none"));
  EXPECT(UNKNOWN_ITEM, optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  EXPECT(INVALID_ARGUMENT, optiverse_session_edit(session, edit, 2, NOW));
  expect_error("", "step", "2");
  let_all_go(session);
  EXPECT(INVALID_ARGUMENT, optiverse_session_changed_edit(session, &other));
  scene = scene_of("{\"components\": [{\"id\": \"lens\"}]}");
  EXPECT(REPEATED_ID, optiverse_session_share(session, scene, NOW));
  OK(optiverse_scene_free(scene));
  OK(optiverse_edit_free(edit));

  // Trying again, stopping, starting.
  OK(optiverse_session_handle_disconnected(session, NOW));
  OK(optiverse_session_poll_timeout(session, &at_ms));
  CHECK(at_ms >= NOW + 250 && at_ms <= NOW + 500);
  OK(optiverse_session_handle_timeout(session, at_ms));
  CHECK(next(session, OPTIVERSE_EVENT_KIND_CONNECT).body.attempt == 2);
  OK(optiverse_session_stop(session));
  event = next(session, OPTIVERSE_EVENT_KIND_STATUS);
  CHECK(state_of(session).status == OPTIVERSE_STATUS_OFFLINE);
  OK(optiverse_session_start(session));
  CHECK(next(session, OPTIVERSE_EVENT_KIND_CONNECT).body.attempt == 3);
  OK(optiverse_session_free(session));
}

static void with_a_relay(void) {
  optiverse_session *session;
  optiverse_edit *edit = edit_of("lens");
  optiverse_event event;
  OK(optiverse_session_new(KEY(1), &session));
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  greet(session, RELAY, "owner", NOW);
  CHECK(next(session, OPTIVERSE_EVENT_KIND_ROLE).body.role == OPTIVERSE_ROLE_OWNER);
  char *frame = next_frame(session);
  CHECK(frame != NULL && strstr(frame, "sync:hello") != NULL);
  free(frame);
  give(session, WELCOME, NOW);
  give(session, "{\"type\":\"sync:part\",\"index\":0,\"part\":{\"vector\":[],\"items\":[]}}", NOW);
  event = next(session, OPTIVERSE_EVENT_KIND_STATUS);
  while (event.body.status.status != OPTIVERSE_STATUS_SENDING) event = next(session, OPTIVERSE_EVENT_KIND_STATUS);
  frame = next_frame(session);
  CHECK(frame != NULL && strstr(frame, "sync:ops") != NULL && strstr(frame, "lens") != NULL);
  free(frame);

  give(session, "{\"type\":\"sync:refused\",\"number\":1,\"reason\":\"document-full\",\"message\":\"full\"}", NOW);
  event = next(session, OPTIVERSE_EVENT_KIND_CHANGED);
  CHECK(event.body.changed.removed_count == 1 && is_text(event.body.changed.removed[0], "lens"));
  event = next(session, OPTIVERSE_EVENT_KIND_REFUSED);
  CHECK(is_text(event.body.refused.item, "lens") && event.body.refused.reason == OPTIVERSE_REFUSAL_DOCUMENT_FULL);
  CHECK(is_text(event.body.refused.message, "the session is full"));
  event = next(session, OPTIVERSE_EVENT_KIND_STATUS);
  CHECK(event.body.status.status == OPTIVERSE_STATUS_SYNCHRONISED && event.body.status.attempt == 0);

  give(session, "{\"type\":\"user:joined\",\"user_id\":\"bob\"}", NOW);
  CHECK(is_text(next(session, OPTIVERSE_EVENT_KIND_USER_JOINED).body.text, "bob"));
  give(session,
       "{\"type\":\"sync:presence\",\"connection\":5,\"user\":\"bob\",\"cursor\":[1.5,-2],\"selection\":[\"a\",\"b\"],"
       "\"color\":\"#1e90ff\"}",
       NOW);
  optiverse_presence_event bob = next(session, OPTIVERSE_EVENT_KIND_PRESENCE).body.presence;
  CHECK(bob.connection == 5 && bob.is_gone == 0 && is_text(bob.user, "bob") && bob.presence.has_cursor == 1);
  CHECK(bob.presence.x_mm == 1.5 && bob.presence.y_mm == -2.0 && bob.presence.selection_count == 2);
  CHECK(is_text(bob.presence.selection[1], "b") && is_text(bob.presence.color, "#1e90ff"));
  give(session, "{\"type\":\"sync:presence\",\"connection\":5,\"user\":\"bob\",\"gone\":true}", NOW);
  CHECK(next(session, OPTIVERSE_EVENT_KIND_PRESENCE).body.presence.is_gone == 1);
  give(session, "{\"type\":\"user:left\",\"user_id\":\"bob\"}", NOW);
  CHECK(is_text(next(session, OPTIVERSE_EVENT_KIND_USER_LEFT).body.text, "bob"));
  give(session, "{\"type\":\"sync:error\",\"message\":\"too loud\"}", NOW);
  CHECK(is_text(next(session, OPTIVERSE_EVENT_KIND_RELAY_COMPLAINED).body.text, "too loud"));

  // Any bytes are a frame, if perhaps one that is ignored.
  static const uint8_t bytes[] = {0xff, 0x00, '{'};
  OK(optiverse_session_handle_frame(session, bytes, sizeof bytes, NOW));
  CHECK(next(session, OPTIVERSE_EVENT_KIND_FRAME_IGNORED).body.text.length > 0);
  OK(optiverse_session_handle_frame(session, NULL, 0, NOW));
  next(session, OPTIVERSE_EVENT_KIND_FRAME_IGNORED);
  EXPECT(NULL_PARAMETER, optiverse_session_handle_frame(session, NULL, 1, NOW));
  EXPECT(INVALID_ARGUMENT, optiverse_session_handle_frame(session, bytes, SIZE_MAX, NOW));

  // A ping, then silence.
  uint64_t at_ms;
  OK(optiverse_session_poll_timeout(session, &at_ms));
  CHECK(at_ms == NOW + 30000);
  OK(optiverse_session_handle_timeout(session, at_ms));
  frame = next_frame(session);
  CHECK(frame != NULL && strcmp(frame, "{\"type\":\"ping\"}") == 0);
  free(frame);
  OK(optiverse_session_handle_timeout(session, NOW + 75000));
  CHECK(is_text(next(session, OPTIVERSE_EVENT_KIND_DISCONNECT).body.text, "the server has fallen silent"));

  // A viewer.
  greet(session, RELAY, "viewer", NOW);
  CHECK(next(session, OPTIVERSE_EVENT_KIND_ROLE).body.role == OPTIVERSE_ROLE_VIEWER);
  EXPECT(READ_ONLY, optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, NOW));
  // A server of another kind.
  OK(optiverse_session_handle_disconnected(session, NOW));
  greet(session, FORWARDER, "false", NOW);
  next(session, OPTIVERSE_EVENT_KIND_SERVER_CHANGED);
  CHECK(state_of(session).status == OPTIVERSE_STATUS_OFFLINE);
  OK(optiverse_session_free(session));
  OK(optiverse_edit_free(edit));
}

// Carries what one has to say to the other; returns whether there was anything.
static int carry(optiverse_session *from, optiverse_session *to, uint64_t now_ms) {
  int any = 0;
  char *frame;
  while ((frame = next_frame(from)) != NULL) {
    if (strstr(frame, "\"ping\"") == NULL) give(to, frame, now_ms);
    free(frame);
    any = 1;
  }
  return any;
}

static void settle(optiverse_session *ada, optiverse_session *bob, uint64_t *now_ms) {
  for (int round = 0; round < 50; round++) {
    while (carry(ada, bob, *now_ms) | carry(bob, ada, *now_ms)) {}
    *now_ms += 500;
    OK(optiverse_session_handle_timeout(ada, *now_ms));
    OK(optiverse_session_handle_timeout(bob, *now_ms));
  }
}

static void over_a_server_that_only_forwards(void) {
  optiverse_session *ada, *bob;
  optiverse_scene *scene = scene_of(BENCH), *of_bob;
  uint64_t now_ms = NOW;
  double x;
  OK(optiverse_session_new(KEY(1), &ada));
  OK(optiverse_session_new(KEY(3), &bob));
  greet(ada, FORWARDER, "true", now_ms);
  greet(bob, FORWARDER, "false", now_ms);
  next(ada, OPTIVERSE_EVENT_KIND_FORWARD_ONLY);
  OK(optiverse_session_share(ada, scene, now_ms));
  settle(ada, bob, &now_ms);
  CHECK(state_of(ada).status == OPTIVERSE_STATUS_SYNCHRONISED);
  optiverse_changed_event changed = next(bob, OPTIVERSE_EVENT_KIND_CHANGED).body.changed;
  CHECK(changed.added_count >= 1);
  OK(optiverse_session_scene(bob, &of_bob));
  OK(optiverse_scene_number(of_bob, "M1", "angle_deg", &x));
  CHECK(x == 45.0);
  OK(optiverse_scene_free(of_bob));
  OK(optiverse_scene_free(scene));

  // The app itself, which stamps nothing; and somebody whose clock is two hours ahead.
  give(ada,
       "{\"type\":\"command\",\"command\":{\"action\":\"move_item\",\"item_type\":\"component\",\"item_id\":\"M1\","
       "\"data\":{\"_type\":\"component\",\"item_uuid\":\"M1\",\"x_mm\":7.0,\"y_mm\":0.0}},\"user_id\":\"old\"}",
       now_ms);
  CHECK(is_text(next(ada, OPTIVERSE_EVENT_KIND_LEGACY_WRITER).body.text, "old"));
  optiverse_edit *edit;
  OK(optiverse_edit_new(&edit));
  OK(optiverse_edit_move(edit, "BS", 8.0, 0.0));
  OK(optiverse_session_edit(bob, edit, OPTIVERSE_UNDO_STEP_NEW, now_ms + 7200000));
  OK(optiverse_edit_free(edit));
  carry(bob, ada, now_ms);
  CHECK(next(ada, OPTIVERSE_EVENT_KIND_CLOCK_SKEW).body.ahead_ms > 7000000);
  OK(optiverse_session_free(ada));
  OK(optiverse_session_free(bob));
}

static void presence(void) {
  optiverse_session *session;
  optiverse_str selected[2] = {{"a", 1}, {"b", 1}};
  optiverse_presence here = {1, 1.0, 2.0, selected, 2, {"#ffffff", 7}};
  OK(optiverse_session_new(KEY(1), &session));
  greet(session, RELAY, "editor", NOW);
  give(session, WELCOME, NOW);
  give(session, "{\"type\":\"sync:part\",\"index\":0,\"part\":{\"vector\":[],\"items\":[]}}", NOW);
  free(next_frame(session));
  OK(optiverse_session_set_presence(session, &here, NOW));
  char *frame = next_frame(session);
  CHECK(frame != NULL && strstr(frame, "\"cursor\":[1,2],\"selection\":[\"a\",\"b\"],\"color\":\"#ffffff\"") != NULL);
  free(frame);

  here.has_cursor = 2;
  EXPECT(INVALID_ARGUMENT, optiverse_session_set_presence(session, &here, NOW));
  here.has_cursor = 1;
  here.x_mm = 1e308 * 10.0;
  EXPECT(INVALID_ARGUMENT, optiverse_session_set_presence(session, &here, NOW));
  here.has_cursor = 0;
  selected[1].data = "\xff";
  EXPECT(INVALID_UTF8, optiverse_session_set_presence(session, &here, NOW));
  selected[1].data = NULL;
  EXPECT(NULL_PARAMETER, optiverse_session_set_presence(session, &here, NOW));
  here.selection_count = SIZE_MAX;
  EXPECT(INVALID_ARGUMENT, optiverse_session_set_presence(session, &here, NOW));
  expect_error("", "selection_count", "18446744073709551615");
  here.selection_count = 1;
  here.selection = NULL;
  EXPECT(NULL_PARAMETER, optiverse_session_set_presence(session, &here, NOW));
  here.selection_count = 0;
  here.color.data = NULL;
  here.color.length = 0;
  OK(optiverse_session_set_presence(session, &here, NOW));

  static optiverse_str many[1001];
  for (size_t i = 0; i < 1001; i++) many[i] = (optiverse_str){"a", 1};
  here.selection = many;
  here.selection_count = 1000;
  OK(optiverse_session_set_presence(session, &here, NOW));
  here.selection_count = 1001;
  EXPECT(INVALID_ARGUMENT, optiverse_session_set_presence(session, &here, NOW));
  OK(optiverse_session_free(session));
}

// Each function with this handle, which is refused with the code.
#define EACH_REFUSES(code, session)                                                \
  do {                                                                             \
    EXPECT(code, optiverse_session_save(session, &text));                          \
    EXPECT(code, optiverse_session_handle_connected(session, NOW));                \
    EXPECT(code, optiverse_session_handle_disconnected(session, NOW));             \
    EXPECT(code, optiverse_session_handle_frame(session, NULL, 0, NOW));           \
    EXPECT(code, optiverse_session_handle_timeout(session, NOW));                  \
    EXPECT(code, optiverse_session_start(session));                                \
    EXPECT(code, optiverse_session_stop(session));                                 \
    EXPECT(code, optiverse_session_poll_event(session, &event));                   \
    EXPECT(code, optiverse_session_poll_transmit(session, &frame));                \
    EXPECT(code, optiverse_session_poll_timeout(session, &at_ms));                 \
    EXPECT(code, optiverse_session_state(session, &info));                         \
    EXPECT(code, optiverse_session_users(session, &users));                        \
    EXPECT(code, optiverse_session_scene(session, &made));                         \
    EXPECT(code, optiverse_session_changed_edit(session, &edit));                  \
    EXPECT(code, optiverse_session_edit(session, good, 0, NOW));                   \
    EXPECT(code, optiverse_session_share(session, scene, NOW));                    \
    EXPECT(code, optiverse_session_undo(session, NOW, &is_done));                  \
    EXPECT(code, optiverse_session_redo(session, NOW, &is_done));                  \
    EXPECT(code, optiverse_session_set_presence(session, &here, NOW));             \
  } while (0)

static void misuse(void) {
  optiverse_session *session, *old;
  optiverse_scene *scene = scene_of("{}"), *made;
  optiverse_edit *good = edit_of("lens"), *edit;
  optiverse_text *text;
  optiverse_users *users;
  const optiverse_str *user;
  size_t count;
  optiverse_event event;
  optiverse_bytes frame;
  optiverse_session_info info;
  optiverse_presence here;
  memset(&here, 0, sizeof here);
  uint64_t at_ms;
  uint8_t is_done;
  OK(optiverse_session_new(KEY(1), &session));
  EACH_REFUSES(NULL_PARAMETER, NULL);
  EACH_REFUSES(INVALID_HANDLE, (void *)scene);
  OK(optiverse_session_free(session));
  old = session;
  EACH_REFUSES(INVALID_HANDLE, old);
  EXPECT(INVALID_HANDLE, optiverse_session_free(old));
  OK(optiverse_session_free(NULL));

  OK(optiverse_session_new(KEY(1), &session));
  EXPECT(NULL_PARAMETER, optiverse_session_new(KEY(1), NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_new(NULL, &session));
  EXPECT(NULL_PARAMETER, optiverse_session_resume(NULL, "{}", 2, &session));
  EXPECT(INVALID_ARGUMENT, optiverse_session_new(KEY(0), &session));
  EXPECT(INVALID_ARGUMENT, optiverse_session_resume(KEY(0), "{}", 2, &session));
  EXPECT(NULL_PARAMETER, optiverse_session_resume(KEY(1), "{}", 2, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_resume(KEY(1), NULL, 2, &session));
  EXPECT(NULL_PARAMETER, optiverse_session_save(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_users(session, NULL));
  OK(optiverse_session_users(session, &users));
  EXPECT(NULL_PARAMETER, optiverse_users_view(users, NULL, &count));
  EXPECT(NULL_PARAMETER, optiverse_users_view(users, &user, NULL));
  EXPECT(NULL_PARAMETER, optiverse_users_view(NULL, &user, &count));
  OK(optiverse_users_free(users));
  EXPECT(INVALID_HANDLE, optiverse_users_view(users, &user, &count));
  EXPECT(INVALID_HANDLE, optiverse_users_free(users));
  OK(optiverse_users_free(NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_poll_event(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_poll_transmit(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_poll_timeout(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_state(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_scene(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_changed_edit(session, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_edit(session, NULL, 0, NOW));
  EXPECT(NULL_PARAMETER, optiverse_session_share(session, NULL, NOW));
  EXPECT(NULL_PARAMETER, optiverse_session_undo(session, NOW, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_redo(session, NOW, NULL));
  EXPECT(NULL_PARAMETER, optiverse_session_set_presence(session, NULL, NOW));

  // In the wrong order: frames without a connection are none, and timeouts that nobody asked for change nothing.
  give(session, WELCOME, NOW);
  OK(optiverse_session_handle_timeout(session, UINT64_MAX));
  OK(optiverse_session_handle_disconnected(session, UINT64_MAX));
  OK(optiverse_session_handle_connected(session, 0));
  OK(optiverse_session_handle_connected(session, 0));
  OK(optiverse_session_free(session));
  OK(optiverse_edit_free(good));
  OK(optiverse_scene_free(scene));
}

int main(void) {
  alone();
  with_a_relay();
  over_a_server_that_only_forwards();
  presence();
  who_is_there();
  misuse();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
