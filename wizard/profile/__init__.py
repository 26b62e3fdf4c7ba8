"""The profile: the models of what a pair is made from, and the files that hold one."""
