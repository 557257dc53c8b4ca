package agent

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// jdbcURL returns a database's URL for Java, with the user and the password in it, in the form of each engine's own driver: pgJDBC,
// MySQL Connector/J, MariaDB Connector/J, Oracle's thin driver, Microsoft's and IBM's driver (their documentation of connection
// URLs).
func jdbcURL(d document.Database[string], who credentials) string {
	family, _, _ := strings.Cut(d.Engine, "-")
	at := address(d.Host, d.Port)
	query := "?user=" + percent(who.Username) + "&password=" + percent(who.Password)
	switch family {
	case "postgres":
		return "jdbc:postgresql://" + at + "/" + percent(d.Database) + query + "&sslmode=require"
	case "mysql":
		return "jdbc:mysql://" + at + "/" + percent(d.Database) + query + "&sslMode=REQUIRED"
	case "mariadb":
		return "jdbc:mariadb://" + at + "/" + percent(d.Database) + query + "&sslMode=trust"
	case "oracle":
		return fmt.Sprintf("jdbc:oracle:thin:%s/%s@//%s/%s", who.Username, who.Password, at, d.Database)
	case "sqlserver":
		return fmt.Sprintf("jdbc:sqlserver://%s;encrypt=true;trustServerCertificate=true;user=%s;password={%s}", at, who.Username,
			strings.ReplaceAll(who.Password, "}", "}}"))
	case "db2":
		return fmt.Sprintf("jdbc:db2://%s/%s:user=%s;password=%s;", at, d.Database, who.Username, who.Password)
	}
	return "jdbc:" + family + "://" + at + "/" + percent(d.Database) + query
}

// percent escapes text for any part of a URL's query. The drivers decode %20 but not every one decodes +.
func percent(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
