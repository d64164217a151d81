int pyrunc_dummy(void);
