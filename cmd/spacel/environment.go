package main

import "os"

// orbitFromEnvironment is SPACEL_ORBIT, for the command whose --orbit means something by being given.
func orbitFromEnvironment() string { return os.Getenv("SPACEL_ORBIT") }
