// Clients without a server: work, waiting, the callback, closing, and every refusal.
#include <pthread.h>

#include "check.h"

// Nobody listens there.
#define NOWHERE "ws://127.0.0.1:1/ws/lab"

static optiverse_client *offline(void) {
  optiverse_client *client;
  OK(optiverse_client_connect(NOWHERE "/ada", NULL, &client));
  return client;
}

static optiverse_client_options options_of(void) {
  optiverse_client_options options;
  OK(optiverse_client_options_init(&options));
  return options;
}

static optiverse_session_info state_of(const optiverse_client *client) {
  optiverse_session_info info;
  OK(optiverse_client_state(client, &info));
  return info;
}

static double x_of(const optiverse_client *client, const char *id) {
  optiverse_scene *scene;
  double x;
  OK(optiverse_client_scene(client, &scene));
  OK(optiverse_scene_number(scene, id, "x_mm", &x));
  OK(optiverse_scene_free(scene));
  return x;
}

static void edits(void) {
  optiverse_client *client = offline(), *resumed;
  optiverse_session *session;
  optiverse_scene *scene = scene_of(BENCH);
  optiverse_edit *edit;
  optiverse_text *saved;
  optiverse_str text;
  optiverse_peers *peers;
  const optiverse_presence_event *peer;
  optiverse_presence here = {1, 1.0, 2.0, NULL, 0, {NULL, 0}};
  size_t count = 7, undecided;
  uint8_t is_done, is_synchronised = 7;
  OK(optiverse_edit_new(&edit));

  OK(optiverse_client_share(client, scene));
  EXPECT(REPEATED_ID, optiverse_client_share(client, scene));
  OK(optiverse_edit_move(edit, "M1", 3.0, 0.0));
  OK(optiverse_client_edit(client, edit, OPTIVERSE_UNDO_STEP_NEW));
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_move(edit, "M1", 4.0, 0.0));
  OK(optiverse_client_edit(client, edit, OPTIVERSE_UNDO_STEP_CONTINUE));
  CHECK(x_of(client, "M1") == 4.0);
  OK(optiverse_client_undo(client, &is_done));
  CHECK(is_done == 1 && x_of(client, "M1") == 0.0 && state_of(client).can_redo == 1);
  OK(optiverse_client_redo(client, &is_done));
  CHECK(is_done == 1 && x_of(client, "M1") == 4.0);
  OK(optiverse_client_redo(client, &is_done));
  CHECK(is_done == 0);
  EXPECT(INVALID_ARGUMENT, optiverse_client_edit(client, edit, 2));
  expect_error("", "step", "2");
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_remove(edit, "none"));
  EXPECT(UNKNOWN_ITEM, optiverse_client_edit(client, edit, OPTIVERSE_UNDO_STEP_NEW));
  expect_error("none", "", "");

  OK(optiverse_client_set_presence(client, &here));
  here.has_cursor = 2;
  EXPECT(INVALID_ARGUMENT, optiverse_client_set_presence(client, &here));
  OK(optiverse_client_peers(client, &peers));
  OK(optiverse_peers_view(peers, &peer, &count));
  CHECK(count == 0 && peer != NULL);
  OK(optiverse_peers_free(peers));
  OK(optiverse_client_wait_synchronised(client, 1, &is_synchronised));
  CHECK(is_synchronised == 0);

  // Nobody has decided about anything, and what was made is not lost.
  size_t pending = state_of(client).pending;
  CHECK(pending > 0 && state_of(client).role == OPTIVERSE_ROLE_UNKNOWN);
  OK(optiverse_client_close(client, 0, &undecided));
  CHECK(undecided == pending);
  OK(optiverse_client_close(client, UINT64_MAX, &undecided));
  CHECK(undecided == pending);
  EXPECT(CLOSED, optiverse_client_edit(client, edit, OPTIVERSE_UNDO_STEP_NEW));
  EXPECT(CLOSED, optiverse_client_share(client, scene));
  EXPECT(CLOSED, optiverse_client_undo(client, &is_done));
  EXPECT(CLOSED, optiverse_client_redo(client, &is_done));
  EXPECT(CLOSED, optiverse_client_retry(client));
  OK(optiverse_client_wait_synchronised(client, UINT64_MAX, &is_synchronised));
  CHECK(is_synchronised == 0 && state_of(client).status == OPTIVERSE_STATUS_OFFLINE && x_of(client, "M1") == 4.0);
  OK(optiverse_client_save(client, &saved));
  OK(optiverse_client_free(client));

  OK(optiverse_text_view(saved, &text));
  optiverse_client_options options = options_of();
  options.saved = text.data;
  options.user = "ada";
  OK(optiverse_client_connect(NOWHERE, &options, &resumed));
  CHECK(state_of(resumed).pending == pending && x_of(resumed, "M1") == 4.0);
  OK(optiverse_client_free(resumed));
  OK(optiverse_session_resume(KEY(1), text.data, text.length, &session));
  OK(optiverse_session_free(session));
  OK(optiverse_text_free(saved));
  OK(optiverse_edit_free(edit));
  OK(optiverse_scene_free(scene));
}

// The next event of this kind; those before it are let go.
static optiverse_event next(optiverse_client *client, uint32_t kind) {
  optiverse_event event;
  do {
    OK(optiverse_client_wait_event(client, 60000, &event));
    CHECK(event.kind != OPTIVERSE_EVENT_KIND_NONE);
  } while (event.kind != kind);
  return event;
}

static void a_server_that_is_not_there(void) {
  optiverse_client *client = offline();
  optiverse_event event;
  optiverse_disconnected_event gone;
  for (int attempt = 0; attempt < 2; attempt++) {
    gone = next(client, OPTIVERSE_EVENT_KIND_DISCONNECTED).body.disconnected;
    CHECK(gone.is_final == 0 && gone.code == 0 && strstr(gone.message.data, NOWHERE "/ada: ") != NULL);
    CHECK(gone.message.length == strlen(gone.message.data));
    OK(optiverse_client_retry(client));
  }
  do OK(optiverse_client_wait_event(client, 0, &event));
  while (event.kind != OPTIVERSE_EVENT_KIND_NONE);
  OK(optiverse_client_free(client));
}

struct bell {
  pthread_mutex_t mutex;
  optiverse_client *client;
  int rung;
  int is_freed;
};

static void on_events(void *user_data) {
  struct bell *bell = user_data;
  optiverse_event event;
  optiverse_client *other = NULL;
  size_t undecided;
  CHECK(pthread_mutex_lock(&bell->mutex) == 0);
  CHECK(!bell->is_freed);
  bell->rung++;
  // It must not call clients, and cannot.
  if (bell->client != NULL) {
    EXPECT(INVALID_ARGUMENT, optiverse_client_wait_event(bell->client, UINT64_MAX, &event));
    EXPECT(INVALID_ARGUMENT, optiverse_client_close(bell->client, UINT64_MAX, &undecided));
    EXPECT(INVALID_ARGUMENT, optiverse_client_free(bell->client));
    expect_error("", "client", "called from `on_events`");
    EXPECT(INVALID_ARGUMENT, optiverse_client_connect(NOWHERE "/bob", NULL, &other));
  }
  CHECK(pthread_mutex_unlock(&bell->mutex) == 0);
}

static void the_callback_is_called_until_the_client_is_freed(void) {
  struct bell bell = {PTHREAD_MUTEX_INITIALIZER, NULL, 0, 0};
  optiverse_client_options options = options_of();
  optiverse_client *client;
  options.on_events = on_events;
  options.user_data = &bell;
  OK(optiverse_client_connect(NOWHERE "/ada", &options, &client));
  CHECK(pthread_mutex_lock(&bell.mutex) == 0);
  bell.client = client;
  CHECK(pthread_mutex_unlock(&bell.mutex) == 0);
  next(client, OPTIVERSE_EVENT_KIND_DISCONNECTED);
  OK(optiverse_client_retry(client));
  next(client, OPTIVERSE_EVENT_KIND_DISCONNECTED);
  OK(optiverse_client_free(client));
  CHECK(bell.rung > 0);
  bell.is_freed = 1;
}

static void *wait_for_ever(void *client) {
  optiverse_event event;
  optiverse_result result;
  do result = optiverse_client_wait_event(client, UINT64_MAX, &event);
  while (result == OPTIVERSE_RESULT_OK && event.kind != OPTIVERSE_EVENT_KIND_NONE);
  CHECK(result == OPTIVERSE_RESULT_OK || result == OPTIVERSE_RESULT_INVALID_HANDLE);
  return NULL;
}

static void who_waits_is_woken_when_it_ends(void) {
  for (int is_freed = 0; is_freed < 2; is_freed++) {
    optiverse_client *client = offline();
    pthread_t thread;
    size_t undecided;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, client) == 0);
    if (!is_freed) OK(optiverse_client_close(client, 0, &undecided));
    else OK(optiverse_client_free(client));
    CHECK(pthread_join(thread, NULL) == 0);
    if (!is_freed) OK(optiverse_client_free(client));
  }
}

static void options_that_cannot_be_used(void) {
  optiverse_client *client = NULL;
  optiverse_client_options options;
  char name[258];
  EXPECT(ADDRESS, optiverse_client_connect("", NULL, &client));
  EXPECT(ADDRESS, optiverse_client_connect("http://localhost/ws/lab/ada", NULL, &client));
  expect_error("", "url", "http://localhost/ws/lab/ada");
  EXPECT(ADDRESS, optiverse_client_connect(NOWHERE, NULL, &client));
  EXPECT(ADDRESS, optiverse_client_connect("wss://-/ws/lab/ada", NULL, &client));
  EXPECT(INVALID_UTF8, optiverse_client_connect("\xff", NULL, &client));
  EXPECT(NULL_PARAMETER, optiverse_client_connect(NULL, NULL, &client));
  EXPECT(NULL_PARAMETER, optiverse_client_connect(NOWHERE "/ada", NULL, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_options_init(NULL));

  memset(&options, 0, sizeof options);
  EXPECT(INVALID_OPTION, optiverse_client_connect(NOWHERE, &options, &client));
  expect_error("", "size", "0");
  options = options_of();
  CHECK(options.size == sizeof options && options.user == NULL && options.on_events == NULL);
  options.password = "two\nlines";
  EXPECT(INVALID_OPTION, optiverse_client_connect(NOWHERE "/ada", &options, &client));
  expect_error("", "password", "");
  options = options_of();
  options.token = "two\nlines";
  EXPECT(INVALID_OPTION, optiverse_client_connect(NOWHERE "/ada", &options, &client));
  expect_error("", "token", "");
  options = options_of();
  options.root_certificates = "none";
  EXPECT(INVALID_OPTION, optiverse_client_connect("wss://localhost:1/ws/lab/ada", &options, &client));
  expect_error("", "root_certificates", "");
  options = options_of();
  options.saved = "{}";
  EXPECT(SAVED_WORK, optiverse_client_connect(NOWHERE "/ada", &options, &client));
  options = options_of();
  const char **const texts[] = {&options.user, &options.password, &options.token, &options.root_certificates,
                                &options.saved};
  static const char *const keys[] = {"user", "password", "token", "root_certificates", "saved"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    *texts[i] = "a\xff";
    EXPECT(INVALID_UTF8, optiverse_client_connect(NOWHERE "/ada", &options, &client));
    expect_error("", keys[i], "byte 1");
    *texts[i] = NULL;
  }

  // The longest name, and one that is a byte longer.
  memset(name, 'a', sizeof name);
  name[257] = 0;
  options.user = name;
  EXPECT(ADDRESS, optiverse_client_connect(NOWHERE, &options, &client));
  CHECK(client == NULL);
  name[256] = 0;
  OK(optiverse_client_connect(NOWHERE, &options, &client));
  OK(optiverse_client_free(client));
}

// Each function with this handle, which is refused with the code.
#define EACH_REFUSES(code, client)                                              \
  do {                                                                          \
    EXPECT(code, optiverse_client_close(client, 0, &count));                    \
    EXPECT(code, optiverse_client_wait_event(client, 0, &event));               \
    EXPECT(code, optiverse_client_wait_synchronised(client, 0, &flag));         \
    EXPECT(code, optiverse_client_retry(client));                               \
    EXPECT(code, optiverse_client_state(client, &info));                        \
    EXPECT(code, optiverse_client_scene(client, &made));                        \
    EXPECT(code, optiverse_client_save(client, &text));                         \
    EXPECT(code, optiverse_client_edit(client, edit, 0));                       \
    EXPECT(code, optiverse_client_share(client, scene));                        \
    EXPECT(code, optiverse_client_undo(client, &flag));                         \
    EXPECT(code, optiverse_client_redo(client, &flag));                         \
    EXPECT(code, optiverse_client_set_presence(client, &here));                 \
    EXPECT(code, optiverse_client_peers(client, &peers));                       \
    EXPECT(code, optiverse_client_users(client, &users));                       \
  } while (0)

static void misuse(void) {
  optiverse_client *client = offline(), *old;
  optiverse_scene *scene = scene_of("{}"), *made;
  optiverse_edit *edit;
  optiverse_text *text;
  optiverse_peers *peers;
  optiverse_users *users;
  const optiverse_presence_event *peer;
  optiverse_event event;
  optiverse_session_info info;
  optiverse_presence here;
  uint8_t flag;
  size_t count;
  memset(&here, 0, sizeof here);
  OK(optiverse_edit_new(&edit));
  EACH_REFUSES(NULL_PARAMETER, NULL);
  EACH_REFUSES(INVALID_HANDLE, (void *)scene);
  EXPECT(NULL_PARAMETER, optiverse_client_close(client, 0, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_wait_event(client, 0, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_wait_synchronised(client, 0, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_state(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_scene(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_save(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_edit(client, NULL, 0));
  EXPECT(NULL_PARAMETER, optiverse_client_share(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_undo(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_redo(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_set_presence(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_peers(client, NULL));
  EXPECT(NULL_PARAMETER, optiverse_client_users(client, NULL));
  OK(optiverse_client_peers(client, &peers));
  EXPECT(NULL_PARAMETER, optiverse_peers_view(peers, NULL, &count));
  EXPECT(NULL_PARAMETER, optiverse_peers_view(peers, &peer, NULL));
  EXPECT(NULL_PARAMETER, optiverse_peers_view(NULL, &peer, &count));
  OK(optiverse_peers_free(peers));
  EXPECT(INVALID_HANDLE, optiverse_peers_view(peers, &peer, &count));
  EXPECT(INVALID_HANDLE, optiverse_peers_free(peers));
  OK(optiverse_peers_free(NULL));
  old = client;
  OK(optiverse_client_free(client));
  EACH_REFUSES(INVALID_HANDLE, old);
  EXPECT(INVALID_HANDLE, optiverse_client_free(old));
  OK(optiverse_client_free(NULL));
  OK(optiverse_edit_free(edit));
  OK(optiverse_scene_free(scene));
}

int main(void) {
  CHECK((optiverse_features() & OPTIVERSE_FEATURE_CLIENT) != 0);
  edits();
  a_server_that_is_not_there();
  the_callback_is_called_until_the_client_is_freed();
  who_waits_is_woken_when_it_ends();
  options_that_cannot_be_used();
  misuse();
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
