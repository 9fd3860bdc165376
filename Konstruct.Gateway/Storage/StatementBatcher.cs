using Konstruct.Gateway.Telemetry;
using Npgsql;

namespace Konstruct.Gateway.Storage;

/// <summary>
/// Batches statements. A statement is sent at once unless the latest batch is in flight. Statements that arrive meanwhile form the next batch, which
/// leaves when that one returns. A full batch, and any once that one has been in flight for 25 ms, leaves beside it; at most four are in flight.
/// </summary>
/// <remarks>When a batch fails, each caller gets the error and retries alone.</remarks>
/// <param name="connect">Creates a connection that is not open yet.</param>
/// <param name="time">The clock.</param>
internal sealed class StatementBatcher(Func<NpgsqlConnection> connect, TimeProvider time)
{
    /// <summary>Maximum number of batches in flight. Three may hang, and the fourth still serves.</summary>
    private const int MaxInFlight = 4;

    /// <summary>Maximum number of statements in a batch.</summary>
    private const int MaxSize = 16;

    /// <summary>Time after which a batch in flight no longer blocks the next one.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMilliseconds(25);

    /// <summary>A locked row delays only the caller that needs it, not the whole batch.</summary>
    private static readonly TimeSpan LongestLock = TimeSpan.FromMilliseconds(100);

    /// <summary>Time-out of a batch. A batch takes milliseconds unless Postgres hangs; later statements must not hang with it.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<TenantStatement> _waiting = new();
    private int _inFlight;
    private List<TenantStatement>? _latest; // The latest batch, until it returns.
    private long _latestLeft;
    private ITimer? _timer; // Null while nothing waits.

    /// <summary>Sends a statement at once or with the next batch.</summary>
    public void Send(TenantStatement statement)
    {
        List<TenantStatement>? batch;
        lock (_gate)
        {
            _waiting.Enqueue(statement);
            batch = Next();
        }

        _ = SendBatchesAsync(batch);
    }

    /// <summary>Timer callback: no batch has returned for a while.</summary>
    private void SendOverdue()
    {
        List<TenantStatement>? batch;
        lock (_gate)
        {
            StopTimer();
            batch = Next();
        }

        _ = SendBatchesAsync(batch);
    }

    private List<TenantStatement>? NextAfter(List<TenantStatement> returned)
    {
        lock (_gate)
        {
            _inFlight--;
            if (_latest == returned)
            {
                _latest = null;
            }

            return Next();
        }
    }

    /// <summary>The batch to send now; null: none. Called under the gate.</summary>
    private List<TenantStatement>? Next()
    {
        var mayLeave = _latest is null || (_inFlight < MaxInFlight && (_waiting.Count >= MaxSize || time.GetElapsedTime(_latestLeft) >= Overdue));
        var batch = mayLeave ? Take() : [];
        if (_waiting.Count > 0)
        {
            _timer ??= time.CreateTimer(_ => SendOverdue(), null, Overdue, System.Threading.Timeout.InfiniteTimeSpan);
        }
        else
        {
            StopTimer();
        }

        if (batch.Count == 0)
        {
            return null;
        }

        _inFlight++;
        _latestLeft = time.GetTimestamp();
        return _latest = batch;
    }

    private void StopTimer()
    {
        _timer?.Dispose();
        _timer = null;
    }

    private List<TenantStatement> Take()
    {
        var batch = new List<TenantStatement>(Math.Min(_waiting.Count, MaxSize));
        while (batch.Count < MaxSize && _waiting.TryDequeue(out var statement))
        {
            if (statement.IsAwaited)
            {
                batch.Add(statement);
            }
        }

        // Fixed lock order; prevents deadlocks between batches.
        return batch.Count < 2 ? batch : [.. batch.OrderBy(statement => statement.ConversationId)];
    }

    /// <summary>Sends a batch and those after it until nothing may leave. Never throws; each failed statement's caller gets the exception.</summary>
    private async Task SendBatchesAsync(List<TenantStatement>? batch)
    {
        while (batch is not null)
        {
            try
            {
                using var limit = new CancellationTokenSource(Timeout, time);
                await using var connection = connect();
                await connection.OpenAsync(limit.Token);
                while (batch is not null)
                {
                    await batch[0].Context.RunAsync(() => TenantStatement.SendAsync(connection, batch, LongestLock, limit.Token));
                    batch.ForEach(statement => statement.Complete());
                    batch = NextAfter(batch);
                    limit.CancelAfter(Timeout);
                }
            }
            catch (Exception exception) when (batch is not null)
            {
                var reason =
                    exception is OperationCanceledException
                        ? new TimeoutException($"Postgres did not answer within {Timeout.TotalSeconds} s.")
                        : exception;
                batch.ForEach(statement => statement.Fail(reason));
                batch = NextAfter(batch);
            }
        }
    }
}
