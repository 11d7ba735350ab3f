package configuration

// SchemaID is where the schema of the newest release lies.
const SchemaID = "https://raw.githubusercontent.com/appbur/appbur/main/docs/configuration.schema.json"

// Schema is the JSON schema of the file, as a file.
func Schema() ([]byte, error) {
	return Table.Schema(SchemaID, "Configuration of appbur, "+APIVersion).Encode()
}
