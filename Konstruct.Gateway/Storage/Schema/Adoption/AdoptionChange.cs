using Konstruct.Gateway.Storage.Schema.Sql;

namespace Konstruct.Gateway.Storage.Schema.Adoption;

/// <summary>A change of the original's tables.</summary>
/// <param name="Text">What it does, for the log.</param>
/// <param name="Sql">The statement. It can run again.</param>
/// <param name="IsTransaction">False: the statement blocks no reader or writer, and must run outside a transaction.</param>
internal sealed record AdoptionChange(string Text, string Sql, bool IsTransaction)
{
    /// <summary>The migration whose schema the changes lead to. Later migrations follow.</summary>
    public const string Target = "20261130084500_RunningTurns";

    /// <summary>The changes in their order.</summary>
    public static IReadOnlyList<AdoptionChange> All { get; } =
    [
        new(
            "columns: web_conversations.title; web_conversation_messages.turn_id, status, attempt, client_message_id; defaults of created_at and updated_at where there are none",
            Embedded.OfMigration("20261130084500_adopt-columns.sql"),
            IsTransaction: true
        ),
        Index("IX_web_conversations_tenant_id_id", "UNIQUE", "web_conversations (tenant_id, id)"),
        Index("IX_web_conversations_user_id_tenant_id_updated_at_id", "", "web_conversations (user_id, tenant_id, updated_at, id)"),
        Index(
            "IX_web_conversation_messages_conversation_id_tenant_id_created~",
            "",
            "web_conversation_messages (conversation_id, tenant_id, created_at, id)"
        ),
        Index(
            "IX_web_conversation_messages_conversation_id_tenant_id_client_~",
            "UNIQUE",
            "web_conversation_messages (conversation_id, tenant_id, client_message_id) WHERE client_message_id IS NOT NULL"
        ),
        Index("ix_messages_answers", "UNIQUE", "web_conversation_messages (turn_id, tenant_id) WHERE role = 'assistant'"),
        new(
            "policies: one 'tenant' on each table instead of the original's, forced for the owner too; a foreign key from messages to conversations that includes the tenant; "
                + "the table web_turns; the functions of this gateway",
            Embedded.OfMigration("20261130084500_adopt-rules.sql")
                + Embedded.OfMigration("20261130084500_web-turns.sql")
                + Embedded.OfMigration("20261130084500_turns.sql"),
            IsTransaction: true
        ),
    ];

    private static AdoptionChange Index(string name, string kind, string on) =>
        new($"index {name} on {on}", $"CREATE {kind} INDEX CONCURRENTLY IF NOT EXISTS \"{name}\" ON {on}", IsTransaction: false);
}
