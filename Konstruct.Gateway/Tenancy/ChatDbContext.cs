using Konstruct.Gateway.Conversations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// The two tables. It knows no tenant: <see cref="TenantDb"/> sets it on the transaction, and without one Postgres shows nothing and stores nothing.
/// </summary>
/// <remarks>
/// Every query has the tenant in it, by the policies, and where most tenants are small Postgres takes any index that begins with it to be as good as the right one; for a large
/// tenant it would read all that it has. So none does but the key of conversations, which has nothing besides what is asked for.
/// </remarks>
internal sealed class ChatDbContext(DbContextOptions<ChatDbContext> options) : DbContext(options)
{
    /// <summary>Every statement names it: a schema of the role's own name comes before it in PostgreSQL's search path, and tables there would have no policies.</summary>
    private const string Schema = "public";

    public DbSet<Conversation> Conversations => Set<Conversation>();

    public DbSet<Message> Messages => Set<Message>();

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Conventions.Remove<ForeignKeyIndexConvention>(); // It would begin with the tenant.

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<Conversation>(table =>
        {
            table.ToTable("web_conversations", Schema);
            table.HasKey(row => new { row.TenantId, row.Id });
            table.HasIndex(row => row.Id).IsUnique();
            table.HasIndex(row => new { row.UserId, row.TenantId, row.UpdatedAt, row.Id });
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
            table.ToTable("web_conversation_messages", Schema, t =>
            {
                t.HasCheckConstraint("ck_messages_role", "role IN ('user', 'assistant')");
                t.HasCheckConstraint("ck_messages_status", "status IN ('pending', 'completed', 'cancelled', 'failed')");
            });
            table.HasKey(row => new { row.Id, row.TenantId });
            table.HasOne<Conversation>().WithMany().HasForeignKey(row => new { row.TenantId, row.ConversationId }).OnDelete(DeleteBehavior.Cascade);
            table.HasIndex(row => new { row.ConversationId, row.TenantId, row.CreatedAt, row.Id });
            table.HasIndex(row => new { row.TurnId, row.TenantId, row.Role }).IsUnique();
            table.HasIndex(row => new { row.ConversationId, row.TenantId, row.ClientMessageId }).IsUnique().HasFilter("client_message_id IS NOT NULL");
            table.HasIndex(row => new { row.CreatedAt, row.TurnId }, "ix_messages_pending").HasFilter("status = 'pending' AND role = 'assistant'");
            table.HasIndex(row => new { row.ConversationId, row.TenantId }, "ix_messages_pending_of_conversation").HasFilter("status = 'pending'");
            table.Property(row => row.TenantId).HasColumnName("tenant_id");
            table.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            table.Property(row => row.ConversationId).HasColumnName("conversation_id");
            table.Property(row => row.Role).HasColumnName("role");
            table.Property(row => row.Content).HasColumnName("content");
            table.Property(row => row.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            table.Property(row => row.TurnId).HasColumnName("turn_id");
            table.Property(row => row.Status).HasColumnName("status");
            table.Property(row => row.Attempt).HasColumnName("attempt");
            table.Property(row => row.ClientMessageId).HasColumnName("client_message_id");
            table.Property(row => row.Task).HasColumnName("task");
        });
    }
}
