import Model
import Postgres

extension PostgresRow {
    func id(_ column: Int) -> UUID128? { uuid(column).map { UUID128(high: $0.high, low: $0.low) } }
}
