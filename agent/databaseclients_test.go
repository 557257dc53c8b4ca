//go:build databases

package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pebble/spacel/agent/document"
)

// Clients that nobody here wrote connect to real servers with the variables that the agent writes. The servers' certificates are of a
// private authority, as those of RDS are, and the authority's file is the only thing that tells the clients to trust it. make
// database-test installs the clients and runs this.

const clientTools = "../.ci/databases/.tools"

// The programs are given to each interpreter as text. Each prints the result of a query.
const (
	nodePostgres = `const {Client} = require("pg"); (async () => {
		const c = new Client({connectionString: process.env.MAIN_URL}); await c.connect();
		console.log((await c.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")).rows[0].ssl); await c.end(); })()`
	nodeMySQL = `const mysql = require("mysql2/promise"), fs = require("fs"); (async () => {
		const c = await mysql.createConnection({uri: process.env.MAIN_URL, ssl: {ca: fs.readFileSync(process.env.MAIN_CA)}});
		console.log((await c.query("show status like 'Ssl_cipher'"))[0][0].Value != "" ); await c.end(); })()`
	pythonPostgres = `import os, sqlalchemy as s
with s.create_engine(os.environ["MAIN_URL"]).connect() as c:
    print(str(c.execute(s.text("select ssl from pg_stat_ssl where pid = pg_backend_pid()")).scalar()).lower())`
	pythonMySQL = `import os, sqlalchemy as s
url = os.environ["MAIN_URL"].replace("mysql://", "mysql+pymysql://")
with s.create_engine(url, connect_args={"ssl_ca": os.environ["MAIN_CA"], "ssl_verify_identity": True}).connect() as c:
    print(str(c.execute(s.text("show status like 'Ssl_cipher'")).first()[1] != "").lower())`
)

func TestClientsAcceptPostgres(t *testing.T) {
	d := startPostgres(t)
	expectClients(t, d, map[string][]string{
		"node-postgres": {"node", "-e", nodePostgres}, "SQLAlchemy": {pythonOf(t), "-c", pythonPostgres},
		"psql": {"sh", "-c", `psql -tA "$MAIN_URL" -c "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()"`},
	})
}

func TestClientsAcceptMySQL(t *testing.T) {
	d := startMariaDB(t)
	expectClients(t, d, map[string][]string{
		"mysql2": {"node", "-e", nodeMySQL}, "SQLAlchemy with PyMySQL": {pythonOf(t), "-c", pythonMySQL},
	})
}

// expectClients wants each client to connect, and to refuse a server whose authority is another one.
func expectClients(t *testing.T, d document.Database[string], clients map[string][]string) {
	t.Helper()
	other := d
	other.CA = filepath.Join(t.TempDir(), "other.pem")
	writeText(t, other.CA, newAuthority(t).pem)
	for name, command := range clients {
		if said, err := runClient(t, d, command); err != nil || strings.TrimSpace(said) != "true" {
			t.Errorf("%s: %v: %s", name, err, said)
		}
		said, err := runClient(t, other, command)
		if said = strings.ToLower(said); err == nil || !strings.Contains(said, "ssl") && !strings.Contains(said, "certificate") {
			t.Errorf("%s accepts a server of another authority: %v: %s", name, err, said)
		}
	}
}

// runClient runs a client with the variables of the database main.
func runClient(t *testing.T, d document.Database[string], command []string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+absolute(t, clientTools+"/node/node_modules"))
	for _, v := range databaseVariables("MAIN", d, shop) {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	said, err := cmd.CombinedOutput()
	return string(said), err
}

var shop = credentials{Username: "shop", Password: "p4ssw0rdOfLettersAndDigits"}

func startPostgres(t *testing.T) document.Database[string] {
	binaries := "/usr/bin"
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(found) > 0 {
		binaries = found[len(found)-1]
	}
	dir, port := serverDir(t), freePort(t)
	data := dir + "/data"
	writeText(t, dir+"/password", shop.Password)
	own(t, dir)
	server(t, dir, binaries+"/initdb", "-D", data, "-U", shop.Username, "--pwfile", dir+"/password", "-A", "scram-sha-256").run(t)
	writeText(t, data+"/pg_hba.conf", "hostssl all all all scram-sha-256\n")
	own(t, dir)
	server(t, dir, binaries+"/postgres", "-D", data, "-p", fmt.Sprint(port), "-k", dir,
		"-c", "listen_addresses=localhost", "-c", "ssl=on",
		"-c", "ssl_cert_file="+dir+"/server.pem", "-c", "ssl_key_file="+dir+"/server.key").start(t, port)
	return document.Database[string]{Engine: "postgres", Host: "localhost", Port: port, Database: "postgres", CA: dir + "/ca.pem"}
}

func startMariaDB(t *testing.T) document.Database[string] {
	base := "/usr"
	if _, err := exec.LookPath("mariadbd"); err != nil {
		base = absolute(t, clientTools+"/mariadb/usr")
	}
	dir, port := serverDir(t), freePort(t)
	writeText(t, dir+"/init.sql", "CREATE DATABASE main;\nCREATE USER '"+shop.Username+"'@'%' IDENTIFIED BY '"+shop.Password+
		"' REQUIRE SSL;\nGRANT ALL ON main.* TO '"+shop.Username+"'@'%';\n")
	own(t, dir)
	server(t, dir, base+"/bin/mariadb-install-db", "--no-defaults", "--basedir="+base, "--datadir="+dir+"/data",
		"--auth-root-authentication-method=normal", "--skip-test-db").run(t)
	server(t, dir, base+"/sbin/mariadbd", "--no-defaults", "--basedir="+base, "--datadir="+dir+"/data",
		"--bind-address=localhost", fmt.Sprintf("--port=%d", port), "--socket="+dir+"/s", "--init-file="+dir+"/init.sql",
		"--ssl-cert="+dir+"/server.pem", "--ssl-key="+dir+"/server.key", "--ssl-ca="+dir+"/ca.pem").start(t, port)
	return document.Database[string]{Engine: "mariadb", Host: "localhost", Port: port, Database: "main", CA: dir + "/ca.pem"}
}

// serverDir returns a directory with the certificate of a server and its authority.
func serverDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "spacel-database-") // a short path, because it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	authority := newAuthority(t)
	certificate, key := authority.issue(t, "localhost")
	writeText(t, dir+"/ca.pem", authority.pem)
	writeText(t, dir+"/server.pem", certificate)
	writeText(t, dir+"/server.key", key)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// program is a server's program. Neither server runs as root, so a test of root's runs it as nobody.
type program struct{ *exec.Cmd }

const nobody = 65534

func server(t *testing.T, dir, name string, args ...string) program {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+absolute(t, clientTools+"/mariadb/usr/lib/x86_64-linux-gnu"))
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return program{cmd}
}

func (p program) run(t *testing.T) {
	t.Helper()
	if said, err := p.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", p.Path, err, said)
	}
}

// start starts the server and waits until it listens.
func (p program) start(t *testing.T, port int) {
	t.Helper()
	var said strings.Builder
	p.Stdout, p.Stderr = &said, &said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Signal(syscall.SIGTERM); _ = p.Wait() })
	for range 300 {
		if conn, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", port)); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not listen:\n%s", p.Path, said.String())
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// own gives a directory to the servers' user.
func own(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if said, err := exec.Command("chown", "-R", fmt.Sprintf("%d:%d", nobody, nobody), dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

func pythonOf(t *testing.T) string { return absolute(t, clientTools+"/python/bin/python") }

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// writeText writes a file that only its owner reads, as Postgres wants of a key; the authorities' file is for everybody.
func writeText(t *testing.T, path, text string) {
	t.Helper()
	mode := os.FileMode(0o600)
	if filepath.Ext(path) == ".pem" {
		mode = 0o644
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// authority is a private certificate authority.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{key: newECKey(t), certificate: &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Amazon RDS test-1 Root CA ECC384 G1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}}
	a.pem = a.sign(t, a.certificate, a.key)
	return a
}

// issue returns a server's certificate and key in PEM.
func (a authority) issue(t *testing.T, host string) (certificate, key string) {
	t.Helper()
	own := newECKey(t)
	certificate = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{host}, Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, own)
	body, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: body}))
}

func (a authority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) string {
	t.Helper()
	body, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: body}))
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
