/// Tokens that are over before they expire.
enum RevocationTables {
    static let sql = """
        CREATE SEQUENCE token_revocation_seq;
        CREATE TABLE token_revocation (
            subject uuid PRIMARY KEY,
            issued_before bigint NOT NULL,
            expiry bigint NOT NULL,
            sequence bigint NOT NULL
        );
        CREATE INDEX idx_token_revocation_sequence ON token_revocation (sequence);
        """
}
