package pagerduty

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const testKey = "u+secretKeyOfTheAccount"

// account plays PagerDuty's REST API v2 with an account's services, policies and integrations.
type account struct {
	*httptest.Server
	mu           sync.Mutex
	services     []service
	integrations map[string]integration // by id
	policies     []string
	calls        []string // method and path of each request that got as far as the account
	before       func(w http.ResponseWriter, r *http.Request) bool
	key          string // of new integrations; empty makes one
}

func newAccount(t *testing.T) *account {
	a := &account{integrations: map[string]integration{}, policies: []string{"PPOLICY"}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *account) client() *Client {
	return &Client{Key: testKey, API: a.URL + "/", Events: "https://events.example.com"}
}

func (a *account) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	before := a.before
	a.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, r.Method+" "+r.URL.Path)
	if r.Header.Get("Authorization") != "Token token="+testKey {
		problem(w, http.StatusUnauthorized, "")
		return
	}
	if r.Header.Get("Accept") != "application/vnd.pagerduty+json;version=2" {
		problem(w, http.StatusNotAcceptable, "Not Acceptable")
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /services", a.listServices)
	mux.HandleFunc("POST /services", a.addService)
	mux.HandleFunc("GET /services/{id}", a.oneService)
	mux.HandleFunc("POST /services/{id}/integrations", a.addIntegration)
	mux.HandleFunc("GET /services/{id}/integrations/{integration}", a.oneIntegration)
	mux.HandleFunc("GET /escalation_policies/{id}", a.onePolicy)
	mux.ServeHTTP(w, r)
}

// listServices gives the page asked for, of what the query is a part of; pages have at most 100 services, and 25 by default.
func (a *account) listServices(w http.ResponseWriter, r *http.Request) {
	limit, offset := 25, 0
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil {
		limit = min(n, 100)
	}
	if n, err := strconv.Atoi(r.FormValue("offset")); err == nil {
		offset = n
	}
	var matching []service
	for _, s := range a.services {
		if strings.Contains(strings.ToLower(s.Name), strings.ToLower(r.FormValue("query"))) {
			matching = append(matching, s)
		}
	}
	start, end := min(offset, len(matching)), min(offset+limit, len(matching))
	respond(w, http.StatusOK, map[string]any{"services": matching[start:end], "limit": limit, "offset": offset,
		"more": end < len(matching)})
}

func (a *account) addService(w http.ResponseWriter, r *http.Request) {
	var body struct{ Service service }
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Service.Type != "service" || body.Service.Name == "" ||
		body.Service.EscalationPolicy.Type != "escalation_policy_reference" {
		problem(w, http.StatusBadRequest, "Invalid Input Provided")
		return
	}
	if !slices.Contains(a.policies, body.Service.EscalationPolicy.ID) {
		problem(w, http.StatusBadRequest, "Invalid Input Provided", "Escalation policy not found")
		return
	}
	if slices.ContainsFunc(a.services, func(s service) bool { return s.Name == body.Service.Name }) {
		problem(w, http.StatusBadRequest, "Invalid Input Provided", "Name has already been taken")
		return
	}
	s := a.have(body.Service)
	respond(w, http.StatusCreated, map[string]any{"service": s})
}

// have puts a service into the account.
func (a *account) have(s service) service {
	s.ID = fmt.Sprintf("PSERVICE%d", len(a.services))
	a.services = append(a.services, s)
	return s
}

func (a *account) service(id string) *service {
	i := slices.IndexFunc(a.services, func(s service) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &a.services[i]
}

func (a *account) oneService(w http.ResponseWriter, r *http.Request) {
	s := a.service(r.PathValue("id"))
	if s == nil {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	respond(w, http.StatusOK, map[string]any{"service": s})
}

func (a *account) addIntegration(w http.ResponseWriter, r *http.Request) {
	var body struct{ Integration integration }
	s := a.service(r.PathValue("id"))
	if json.NewDecoder(r.Body).Decode(&body) != nil || s == nil || body.Integration.Vendor.Type != "vendor_reference" {
		problem(w, http.StatusBadRequest, "Invalid Input Provided")
		return
	}
	respond(w, http.StatusCreated, map[string]any{"integration": a.integrate(s, body.Integration)})
}

// integrate puts an integration into a service.
func (a *account) integrate(s *service, i integration) integration {
	id := fmt.Sprintf("PINT%d", len(a.integrations))
	i.Key = fmt.Sprintf("0123456789abcdef%016d", len(a.integrations))
	if a.key != "" {
		i.Key = a.key
	}
	a.integrations[id] = i
	s.Integrations = append(s.Integrations, reference{ID: id, Type: i.Type + "_reference"})
	return i
}

func (a *account) oneIntegration(w http.ResponseWriter, r *http.Request) {
	i, ok := a.integrations[r.PathValue("integration")]
	if !ok {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	respond(w, http.StatusOK, map[string]any{"integration": i})
}

func (a *account) onePolicy(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(a.policies, r.PathValue("id")) {
		problem(w, http.StatusNotFound, "Not Found")
		return
	}
	respond(w, http.StatusOK, map[string]any{"escalation_policy": reference{ID: r.PathValue("id")}})
}

// made counts what was asked to be made.
func (a *account) made() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, call := range a.calls {
		if strings.HasPrefix(call, "POST") {
			n++
		}
	}
	return n
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone hears nothing
}

func problem(w http.ResponseWriter, status int, message string, errs ...string) {
	respond(w, status, map[string]any{"error": map[string]any{"message": message, "code": 2000 + status, "errors": errs}})
}
