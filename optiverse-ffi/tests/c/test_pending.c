// More edits without a relay than a session keeps: 200,000 are, one more is not.
#include "check.h"

#define MOST 200000

int main(void) {
  optiverse_session *session;
  optiverse_edit *edit;
  optiverse_session_info info;
  OK(optiverse_session_new(KEY(1), &session));
  OK(optiverse_edit_new(&edit));
  OK(optiverse_edit_add(edit, "components", "{\"id\": \"lens\", \"x_mm\": 0}", OPTIVERSE_AT_END));
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, 1));
  OK(optiverse_edit_clear(edit));
  for (int i = 2; i < MOST; i++) OK(optiverse_edit_set_number(edit, "lens", "x_mm", i));
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, 1));
  OK(optiverse_edit_clear(edit));
  OK(optiverse_edit_set_number(edit, "lens", "x_mm", -1.0));
  OK(optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, 1));
  EXPECT(TOO_MANY_PENDING, optiverse_session_edit(session, edit, OPTIVERSE_UNDO_STEP_NEW, 1));
  OK(optiverse_session_state(session, &info));
  CHECK(info.pending == MOST);
  OK(optiverse_edit_free(edit));
  OK(optiverse_session_free(session));
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
