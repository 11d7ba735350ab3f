package appbur

// FieldManager is the name under which appbur applies objects to a cluster, as
// metadata.managedFields has it.
const FieldManager = "appbur"
