touch @ROOT@/ran
