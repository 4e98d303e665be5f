package mirror

const childEnv = "LEFTOFF_MIRROR_CHILD"

func child() int { return 0 }
