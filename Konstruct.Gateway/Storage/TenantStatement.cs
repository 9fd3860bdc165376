using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Konstruct.Gateway.Storage;

/// <summary>One statement of one tenant, and the caller that waits for its rows.</summary>
/// <param name="tenantId">The tenant.</param>
/// <param name="conversationId">The only conversation whose rows the statement may lock.</param>
/// <param name="statement">The statement. Interpolated values become parameters; bytes become text in UTF-8.</param>
/// <param name="givesUp">The caller's token; once it is cancelled, the statement need not be sent.</param>
internal abstract class TenantStatement(Guid tenantId, Guid conversationId, FormattableString statement, CancellationToken givesUp)
{
    private static readonly object[] Placeholders = [.. Enumerable.Range(1, 16).Select(number => $"${number}")];

    /// <summary>
    /// Statements with placeholders. The compiler creates one format object per interpolated literal, so the number of entries is fixed.
    /// </summary>
    private static readonly ConcurrentDictionary<object, string> Texts = new(ReferenceEqualityComparer.Instance);

    public Guid ConversationId => conversationId;

    public bool IsAwaited => !givesUp.IsCancellationRequested;

    /// <summary>The caller's trace and log scopes.</summary>
    public ExecutionContext? Context { get; } = ExecutionContext.Capture();

    /// <summary>
    /// Sends statements as a batch and reads the results, in one round trip. Postgres runs a batch as one transaction,
    /// so either all statements commit or none. Each statement follows one that sets its tenant.
    /// </summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="calls">The statements.</param>
    /// <param name="longestLock">Maximum wait for a locked row; null: no limit.</param>
    /// <param name="cancellationToken">Cancels the call; what has committed stays.</param>
    public static async Task SendAsync(
        NpgsqlConnection connection,
        IReadOnlyList<TenantStatement> calls,
        TimeSpan? longestLock,
        CancellationToken cancellationToken
    )
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var call in calls)
        {
            call.AddTo(batch, longestLock);
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        foreach (var call in calls)
        {
            await reader.NextResultAsync(cancellationToken);
            await call.ReadAsync(reader, cancellationToken);
            await reader.NextResultAsync(cancellationToken); // Reads the last result to its end, which confirms the commit.
        }
    }

    /// <summary>Called when <see cref="SendAsync"/> has committed.</summary>
    public abstract void Complete();

    /// <summary>Rolled back, or the outcome is unknown.</summary>
    public abstract void Fail(Exception exception);

    protected abstract Task ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken);

    private void AddTo(NpgsqlBatch batch, TimeSpan? longestLock)
    {
        batch.BatchCommands.Add(Command(longestLock is { } most ? TenantSql.Set(tenantId, most) : TenantSql.Set(tenantId)));
        batch.BatchCommands.Add(Command(statement));
    }

    private static NpgsqlBatchCommand Command(FormattableString statement)
    {
        var command = new NpgsqlBatchCommand(
            Texts.GetOrAdd(statement.Format, static format => string.Format(CultureInfo.InvariantCulture, (string)format, Placeholders))
        );
        foreach (var value in statement.GetArguments())
        {
            command.Parameters.Add(
                value is ReadOnlyMemory<byte>
                    ? new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Text }
                    : new NpgsqlParameter { Value = value ?? DBNull.Value }
            );
        }

        return command;
    }
}

/// <inheritdoc/>
/// <typeparam name="T">Type of a row.</typeparam>
internal sealed class TenantStatement<T>(
    Guid tenantId,
    Guid conversationId,
    FormattableString statement,
    Func<NpgsqlDataReader, T> read,
    CancellationToken givesUp
) : TenantStatement(tenantId, conversationId, statement, givesUp)
{
    private readonly TaskCompletionSource _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the statement has committed.</summary>
    public Task Committed => _committed.Task;

    /// <summary>Rows of the last attempt to send it.</summary>
    public List<T> Rows { get; private set; } = [];

    public override void Complete() => _committed.SetResult();

    public override void Fail(Exception exception) => _committed.SetException(exception);

    protected override async Task ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        Rows = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            Rows.Add(read(reader));
        }
    }
}
