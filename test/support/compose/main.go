// Loads a compose file as `docker compose config` does, with all of its profiles, and prints it as JSON.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithProfiles([]string{"*"}), cli.WithOsEnv)
	if err == nil {
		project, failed := options.LoadProject(context.Background())
		err = failed
		if err == nil {
			var json []byte
			json, err = project.MarshalJSON()
			fmt.Println(string(json))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
