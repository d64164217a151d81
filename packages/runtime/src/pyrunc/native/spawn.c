#include "spawn.h"
int pyrunc_dummy(void) { return 42; }
