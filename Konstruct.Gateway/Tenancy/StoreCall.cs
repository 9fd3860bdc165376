using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Konstruct.Gateway.Tenancy;

/// <summary>One statement of one tenant on its way to Postgres, and the caller who waits for its rows.</summary>
/// <param name="tenantId">The tenant.</param>
/// <param name="conversationId">The only conversation whose rows it may lock.</param>
/// <param name="statement">The statement; what is interpolated becomes a parameter, bytes one of text, which is UTF-8.</param>
/// <param name="mayWait">Whether it may gather with others for a moment.</param>
/// <param name="givesUp">The caller's: once it is cancelled nobody waits any more.</param>
internal abstract class StoreCall(Guid tenantId, Guid conversationId, FormattableString statement, bool mayWait, CancellationToken givesUp)
{
    private static readonly object[] Placeholders = [.. Enumerable.Range(1, 16).Select(number => $"${number}")];

    /// <summary>Statements with their placeholders. The compiler makes one format of each interpolated literal, so that there are as many as there are such in the code.</summary>
    private static readonly ConcurrentDictionary<object, string> Texts = new(ReferenceEqualityComparer.Instance);

    public Guid ConversationId => conversationId;

    public bool MayWait => mayWait;

    public bool IsAwaited => !givesUp.IsCancellationRequested;

    /// <summary>The trace and the log scopes that it belongs to.</summary>
    public ExecutionContext? Context { get; } = ExecutionContext.Capture();

    /// <summary>
    /// Sends calls together, and reads what they answer: one round trip. Postgres runs what travels together as one transaction, so each call is preceded by what
    /// sets its tenant until the next one's does, and either all are committed or none.
    /// </summary>
    /// <param name="connection">Open.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="longestLock">How long a row that somebody else holds is waited for; null: as long as it takes.</param>
    /// <param name="cancellationToken">Gives up; what is committed by then stays.</param>
    public static async Task SendAsync(NpgsqlConnection connection, IReadOnlyList<StoreCall> calls, TimeSpan? longestLock, CancellationToken cancellationToken)
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
            await reader.NextResultAsync(cancellationToken); // In the end to the end: only there is it committed.
        }
    }

    /// <summary>All of <see cref="SendAsync"/> is committed.</summary>
    public abstract void Complete();

    /// <summary>Nothing of it was, or nobody knows.</summary>
    public abstract void Fail(Exception exception);

    protected abstract Task ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken);

    /// <summary>What sets the tenant until the transaction ends.</summary>
    public static FormattableString SetTenant(Guid tenantId) => $"SELECT set_config('app.current_tenant', {tenantId.ToString("D")}, true)";

    private void AddTo(NpgsqlBatch batch, TimeSpan? longestLock)
    {
        batch.BatchCommands.Add(Command(longestLock is { TotalMilliseconds: var most }
            ? $"SELECT set_config('app.current_tenant', {tenantId.ToString("D")}, true), set_config('lock_timeout', {most.ToString(CultureInfo.InvariantCulture)}, true)"
            : SetTenant(tenantId)));
        batch.BatchCommands.Add(Command(statement));
    }

    private static NpgsqlBatchCommand Command(FormattableString statement)
    {
        var command = new NpgsqlBatchCommand(Texts.GetOrAdd(statement.Format, static format => string.Format(CultureInfo.InvariantCulture, (string)format, Placeholders)));
        foreach (var value in statement.GetArguments())
        {
            command.Parameters.Add(value is ReadOnlyMemory<byte>
                ? new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Text }
                : new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }
}

/// <inheritdoc/>
/// <typeparam name="T">A row.</typeparam>
internal sealed class StoreCall<T>(
    Guid tenantId, Guid conversationId, FormattableString statement, Func<NpgsqlDataReader, T> read, bool mayWait, CancellationToken givesUp)
    : StoreCall(tenantId, conversationId, statement, mayWait, givesUp)
{
    private readonly TaskCompletionSource _committed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when it is committed.</summary>
    public Task Committed => _committed.Task;

    /// <summary>What it answered when it was sent last.</summary>
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
