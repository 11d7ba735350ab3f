package v3

import (
	"net/http"

	"github.com/appbur/appbur/examples/fleet/database"
	"github.com/appbur/appbur/examples/fleet/web"
)

// Handler returns the HTTP API, below /v3.
func (f *Fleet) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", web.Handle(http.StatusOK, func(r *http.Request) (any, error) {
		return map[string]string{"version": AppVersion}, f.Ready(r.Context())
	}))
	mux.Handle("GET /v3/customers", web.Handle(http.StatusOK, func(r *http.Request) (any, error) {
		return database.List(r.Context(), f.db, scanCustomer, selectCustomers+" ORDER BY id")
	}))
	mux.Handle("POST /v3/customers", web.Handle(http.StatusCreated, f.addCustomer))
	mux.Handle("GET /v3/clusters", web.Handle(http.StatusOK, func(r *http.Request) (any, error) {
		return database.List(r.Context(), f.db, scanCluster, selectClusters+" ORDER BY id")
	}))

	mux.Handle("POST /v3/clusters", web.Handle(http.StatusCreated, f.addCluster))
	mux.Handle("GET /v3/clusters/{id}", web.Handle(http.StatusOK, func(r *http.Request) (any, error) {
		return database.One(r.Context(), f.db, scanCluster, "cluster "+r.PathValue("id"), selectClusters+" WHERE id = ?", r.PathValue("id"))
	}))
	mux.Handle("PUT /v3/clusters/{id}/labels", web.Handle(http.StatusOK, f.setLabels))
	mux.Handle("PUT /v3/clusters/{id}/credentials", web.Handle(http.StatusNoContent, f.setCredential))
	mux.Handle("GET /v3/clusters/{id}/maintenance-windows", web.Handle(http.StatusOK, func(r *http.Request) (any, error) {
		return database.List(r.Context(), f.db, scanWindow, selectWindows+" WHERE cluster_id = ? ORDER BY starts_at, id", r.PathValue("id"))
	}))
	mux.Handle("POST /v3/clusters/{id}/maintenance-windows", web.Handle(http.StatusCreated, f.addWindow))
	return mux
}

func (f *Fleet) addCustomer(r *http.Request) (any, error) {
	c, err := web.Body[Customer](r)
	if err != nil {
		return nil, err
	}
	c.CreatedAt = f.now().UTC()
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, database.Refusal("customer "+c.ID, insertCustomer(r.Context(), f.db, c))
}

func (f *Fleet) addCluster(r *http.Request) (any, error) {
	c, err := web.Body[Cluster](r)
	if err != nil {
		return nil, err
	}
	c.CreatedAt = f.now().UTC()
	if c.Status.Phase == "" {
		c.Status.Phase = "active"
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, database.Refusal("cluster "+c.ID, insertCluster(r.Context(), f.db, c))
}

func (f *Fleet) setLabels(r *http.Request) (any, error) {
	labels, err := web.Body[map[string]string](r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if _, err := f.db.ExecContext(r.Context(), "UPDATE clusters SET labels = ? WHERE id = ?", database.Labels{Map: &labels}, id); err != nil {
		return nil, err
	}
	return database.One(r.Context(), f.db, scanCluster, "cluster "+id, selectClusters+" WHERE id = ?", id)
}

func (f *Fleet) setCredential(r *http.Request) (any, error) {
	c, err := web.Body[Credential](r)
	if err != nil {
		return nil, err
	}
	c.ClusterID = r.PathValue("id")
	if c.Token == "" {
		return nil, invalid("token is needed")
	}
	return nil, database.Refusal("cluster "+c.ClusterID, insertCredential(r.Context(), f.db, c))
}

func (f *Fleet) addWindow(r *http.Request) (any, error) {
	w, err := web.Body[MaintenanceWindow](r)
	if err != nil {
		return nil, err
	}
	w.ID, w.ClusterID = 0, r.PathValue("id")
	if err := w.check(); err != nil {
		return nil, err
	}
	w.ID, err = insertWindow(r.Context(), f.db, w)
	return w, database.Refusal("cluster "+w.ClusterID, err)
}
