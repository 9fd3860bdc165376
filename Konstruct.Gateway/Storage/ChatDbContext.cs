using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;

namespace Konstruct.Gateway.Storage;

/// <summary>
/// The three tables. The context has no tenant: <see cref="TenantDb"/> sets it on the
/// transaction. Without a tenant Postgres returns and stores nothing.
/// </summary>
/// <remarks>
/// The policies add the tenant to every query. Where most tenants are small, Postgres rates any index that begins with the
/// tenant as good as the right one, and would then read all rows of a large tenant. So no index begins with the tenant
/// except the key of conversations, which has no other columns than the id that is asked for.
/// </remarks>
internal sealed class ChatDbContext(DbContextOptions<ChatDbContext> options) : DbContext(options)
{
    /// <summary>
    /// Every statement names the schema. PostgreSQL's search path begins with a schema named like the role, where tables would have no policies.
    /// </summary>
    private const string Schema = "public";

    public DbSet<Conversation> Conversations => Set<Conversation>();

    public DbSet<Message> Messages => Set<Message>();

    public DbSet<RunningTurn> RunningTurns => Set<RunningTurn>();

    /// <summary>In a query: the value as text, whatever the column's type is in this database.</summary>
    public static string AsText(string value) => throw new InvalidOperationException($"{nameof(AsText)} exists only in SQL, not for '{value}'.");

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Conventions.Remove<ForeignKeyIndexConvention>(); // Such an index would begin with the tenant.

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder
            .HasDbFunction(typeof(ChatDbContext).GetMethod(nameof(AsText))!)
            .HasTranslation(arguments => new SqlUnaryExpression(ExpressionType.Convert, arguments[0], typeof(string), arguments[0].TypeMapping));
        modelBuilder.Entity<Conversation>(table =>
        {
            table.ToTable("web_conversations", Schema);
            table.HasKey(row => new { row.TenantId, row.Id });
            table.HasIndex(row => row.Id).IsUnique();
            table.HasIndex(row => new
            {
                row.UserId,
                row.TenantId,
                row.UpdatedAt,
                row.Id,
            });
            table.Property(row => row.TenantId).HasColumnName("tenant_id");
            table.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            table.Property(row => row.UserId).HasColumnName("user_id");
            table.Property(row => row.AgentId).HasColumnName("agent_id");
            table.Property(row => row.Title).HasColumnName("title");
            table.Property(row => row.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            table.Property(row => row.UpdatedAt).HasColumnName("updated_at").HasDefaultValueSql("now()");
        });

        modelBuilder.Entity<Message>(table =>
        {
            table.ToTable(
                "web_conversation_messages",
                Schema,
                t =>
                {
                    t.HasCheckConstraint("ck_messages_role", "role IN ('user', 'assistant')");
                    t.HasCheckConstraint("ck_messages_status", "status IN ('completed', 'cancelled', 'failed')");
                }
            );
            table.HasKey(row => new { row.Id, row.TenantId });
            table.HasOne<Conversation>().WithMany().HasForeignKey(row => new { row.TenantId, row.ConversationId }).OnDelete(DeleteBehavior.Cascade);
            table.HasIndex(row => new
            {
                row.ConversationId,
                row.TenantId,
                row.CreatedAt,
                row.Id,
            });
            table.HasIndex(row => new { row.TurnId, row.TenantId }, "ix_messages_answers").IsUnique().HasFilter("role = 'assistant'");
            table
                .HasIndex(row => new
                {
                    row.ConversationId,
                    row.TenantId,
                    row.ClientMessageId,
                })
                .IsUnique()
                .HasFilter("client_message_id IS NOT NULL");
            table.Property(row => row.TenantId).HasColumnName("tenant_id");
            table.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            table.Property(row => row.ConversationId).HasColumnName("conversation_id");
            table.Property(row => row.Role).HasColumnName("role");
            table.Property(row => row.Content).HasColumnName("content");
            table.Property(row => row.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            table.Property(row => row.TurnId).HasColumnName("turn_id");
            table.Property(row => row.Status).HasColumnName("status").HasDefaultValue("completed");
            table.Property(row => row.Attempt).HasColumnName("attempt").HasDefaultValue(0);
            table.Property(row => row.ClientMessageId).HasColumnName("client_message_id");
        });

        modelBuilder.Entity<RunningTurn>(table =>
        {
            table.ToTable("web_turns", Schema);
            table.HasKey(row => new { row.ConversationId, row.TurnId });
            table.HasOne<Conversation>().WithMany().HasForeignKey(row => new { row.TenantId, row.ConversationId }).OnDelete(DeleteBehavior.Cascade);
            table.Property(row => row.ConversationId).HasColumnName("conversation_id");
            table.Property(row => row.TurnId).HasColumnName("turn_id").ValueGeneratedNever();
            table.Property(row => row.TenantId).HasColumnName("tenant_id");
            table.Property(row => row.QuestionId).HasColumnName("question_id");
            table.Property(row => row.AnswerId).HasColumnName("answer_id");
            table.Property(row => row.Attempt).HasColumnName("attempt");
            table.Property(row => row.CreatedAt).HasColumnName("created_at");
            table.Property(row => row.Task).HasColumnName("task");
        });
    }
}
