/// What rules of alarm fields remember of entities, and when they are to be looked at again (`rule-engine.md` 7.2).
enum CalculatedFieldStates {
    static let sql = """
        CREATE TABLE calculated_field_state (
            calculated_field_id uuid NOT NULL REFERENCES calculated_field (id) ON DELETE CASCADE,
            entity_id uuid NOT NULL,
            entity_type varchar(32) NOT NULL,
            tenant_id uuid NOT NULL,
            state varchar NOT NULL,
            due bigint,
            PRIMARY KEY (calculated_field_id, entity_id)
        );
        CREATE INDEX idx_calculated_field_state_due ON calculated_field_state (due) WHERE due IS NOT NULL;
        CREATE INDEX idx_calculated_field_state_entity ON calculated_field_state (entity_id);
        """
}
