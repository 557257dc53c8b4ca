//go:build boot || docker

// Command fetch prints a page, or the error as the page. It is a program of the tests' image: busybox's own clients crash in Debian's
// static build, which cannot load glibc's resolver.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(os.Stdout, response.Body)
}
