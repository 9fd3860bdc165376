namespace Konstruct.Gateway.Storage.Schema.Adoption;

/// <summary>A column as PostgreSQL has it.</summary>
internal sealed record TableColumn(string Table, string Name, string Type, bool IsRequired, bool HasDefault);

/// <summary>Compares columns with those that the original gateway's statements use and those that this gateway adds.</summary>
internal static class OriginalColumns
{
    public const string Conversations = "web_conversations";
    public const string Messages = "web_conversation_messages";

    private const string Uuid = "uuid";
    private const string Time = "timestamp with time zone";
    private const string Text = "text";
    private const string Varchar = "character varying";

    /// <summary>The original's columns. All must be NOT NULL.</summary>
    private static readonly (string Table, string Name, string[] Types)[] Original =
    [
        (Conversations, "id", [Uuid]),
        (Conversations, "tenant_id", [Uuid]),
        (Conversations, "agent_id", [Uuid, Text, Varchar]),
        (Conversations, "user_id", [Uuid]),
        (Conversations, "created_at", [Time]),
        (Conversations, "updated_at", [Time]),
        (Messages, "id", [Uuid]),
        (Messages, "conversation_id", [Uuid]),
        (Messages, "tenant_id", [Uuid]),
        (Messages, "role", [Text, Varchar]),
        (Messages, "content", [Text, Varchar]),
        (Messages, "created_at", [Time]),
    ];

    /// <summary>The columns that the step adds. They exist when an earlier run was interrupted.</summary>
    private static readonly (string Table, string Name, string[] Types)[] Added =
    [
        (Conversations, "title", [Text]),
        (Messages, "turn_id", [Uuid]),
        (Messages, "status", [Text]),
        (Messages, "attempt", ["integer"]),
        (Messages, "client_message_id", [Text]),
    ];

    /// <summary>Returns a sentence for each difference that the step does not understand.</summary>
    public static IEnumerable<string> FindFaults(IReadOnlyCollection<TableColumn> columns)
    {
        foreach (var (table, name, types) in Original)
        {
            var column = columns.FirstOrDefault(each => each.Table == table && each.Name == name);
            if (column is null)
            {
                yield return $"{table} has no column {name}.";
                continue;
            }

            if (!types.Contains(TypeOf(column)))
            {
                yield return $"{table}.{name} has the type {column.Type}; expected {string.Join(" or ", types)}.";
            }

            if (!column.IsRequired)
            {
                yield return $"{table}.{name} may be NULL. Fill the rows that have none, then ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL.";
            }
        }

        foreach (var column in columns)
        {
            var added = Added.FirstOrDefault(each => each.Table == column.Table && each.Name == column.Name);
            if (added.Types is not null && !added.Types.Contains(column.Type))
            {
                yield return $"{column.Table}.{column.Name} exists with the type {column.Type}; this gateway needs that name for a {added.Types[0]}.";
            }
            else if (
                added.Types is null
                && column is { IsRequired: true, HasDefault: false }
                && !Original.Any(each => each.Table == column.Table && each.Name == column.Name)
            )
            {
                yield return $"{column.Table}.{column.Name} is not known, NOT NULL and without a default, so this gateway could store no row.";
            }
        }
    }

    /// <summary>The length of a role does not matter if both roles fit. A content must have no limit.</summary>
    private static string TypeOf(TableColumn column)
    {
        const string Prefix = Varchar + "(";
        var isLongEnough =
            column.Name is "role" or "agent_id"
            && column.Type.StartsWith(Prefix, StringComparison.Ordinal)
            && int.Parse(column.Type.AsSpan()[Prefix.Length..^1], System.Globalization.CultureInfo.InvariantCulture) >= "assistant".Length;
        return isLongEnough ? Varchar : column.Type;
    }
}
