package agent

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pebble/spacel/agent/document"
)

// jdbcURL returns a database's URL for Java, with the user and the password in it, in the form of each engine's own driver: pgJDBC,
// MySQL Connector/J, MariaDB Connector/J, Oracle's thin driver, Microsoft's and IBM's driver (their documentation of connection
// URLs). The drivers for Postgres and MariaDB verify the server by the authorities of RDS. Those of MySQL and SQL Server read
// authorities from Java's key stores only, so their URLs have the connection encrypted and not verified.
func jdbcURL(d document.Database[string], who credentials) string {
	family, _, _ := strings.Cut(d.Engine, "-")
	at := address(d.Host, d.Port)
	query := "?user=" + percent(who.Username) + "&password=" + percent(who.Password)
	switch family {
	case "postgres":
		return "jdbc:postgresql://" + at + "/" + percent(d.Database) + query + "&" + postgresTLS(d)
	case "mysql":
		return "jdbc:mysql://" + at + "/" + percent(d.Database) + query + "&sslMode=REQUIRED"
	case "mariadb":
		if d.CA == "" {
			return "jdbc:mariadb://" + at + "/" + percent(d.Database) + query + "&sslMode=trust"
		}
		return "jdbc:mariadb://" + at + "/" + percent(d.Database) + query + "&sslMode=verify-full&serverSslCert=" + d.CA
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
