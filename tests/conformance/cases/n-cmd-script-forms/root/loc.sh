echo loc >> @ROOT@/log
