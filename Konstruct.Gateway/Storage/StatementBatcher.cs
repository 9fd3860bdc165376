using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Storage;

/// <summary>
/// Batches statements. A statement that arrives alone is sent at once. Statements that arrive while a batch is in flight wait and form the next
/// batch. The more arrive, or the slower Postgres is, the more of them share a round trip, a commit and a session with warm caches. Statements
/// that may be delayed also wait for a short time after the previous batch. When a batch fails, each caller gets the error and retries alone.
/// </summary>
/// <param name="sessions">Sessions for batches.</param>
/// <param name="time">The clock.</param>
internal sealed class StatementBatcher(WarmConnections sessions, TimeProvider time)
{
    /// <summary>Maximum number of batches in flight. Three may hang, and the fourth still serves.</summary>
    private const int MostGroups = 4;

    /// <summary>Maximum number of statements in a batch.</summary>
    private const int MostTogether = 16;

    /// <summary>A batch in flight for longer than this no longer blocks the next one.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMilliseconds(25);

    /// <summary>
    /// Delay after which waiting statements are checked when no new one arrives. Nearly always the batch returns
    /// earlier. A shorter timer woke its thread twice for most messages under light load.
    /// </summary>
    private static readonly TimeSpan Patrol = TimeSpan.FromMilliseconds(100);

    /// <summary>Minimum time between a batch and the delayable statements that follow it, unless an urgent statement takes them along.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    /// <summary>A locked row delays only the caller that needs it, not the whole batch.</summary>
    private static readonly TimeSpan LongestLock = TimeSpan.FromMilliseconds(100);

    /// <summary>Time-out of a batch. A batch takes milliseconds unless Postgres hangs; later statements must not hang with it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<TenantStatement> _waiting = new();
    private int _urgent; // Number of queued statements that must not be delayed.
    private int _groups;
    private List<TenantStatement>? _last; // The latest batch, until it returns.
    private long _lastLeft;
    private ITimer? _look; // Null while nothing waits.

    /// <summary>Sends a statement at once or with the next batch.</summary>
    public void Send(TenantStatement call)
    {
        List<TenantStatement>? group;
        lock (_gate)
        {
            _waiting.Enqueue(call);
            _urgent += call.MayWait ? 0 : 1;
            group = Next();
        }

        _ = SendGroupsAsync(group);
    }

    /// <summary>Timer callback: sends queued statements when no new statement or returning batch triggers it.</summary>
    private void Look()
    {
        List<TenantStatement>? group;
        lock (_gate)
        {
            _look!.Dispose();
            _look = null;
            group = Next();
        }

        _ = SendGroupsAsync(group);
    }

    /// <summary>Ends a batch and takes the next one.</summary>
    private List<TenantStatement>? NextAfter(List<TenantStatement> back)
    {
        lock (_gate)
        {
            _groups--;
            if (_last == back)
            {
                _last = null;
            }

            return Next();
        }
    }

    /// <summary>The batch to send now; null: none. Called under the gate.</summary>
    private List<TenantStatement>? Next()
    {
        var sinceLast = time.GetElapsedTime(_lastLeft);
        var isWorthIt = _urgent > 0 || _waiting.Count >= MostTogether || sinceLast >= Gathering;
        var mayLeave = _last is null || (_groups < MostGroups && (_waiting.Count >= MostTogether || sinceLast >= Overdue));
        var group = isWorthIt && mayLeave ? Take() : [];
        if (_waiting.Count > 0)
        {
            _look ??= time.CreateTimer(_ => Look(), null, _urgent > 0 ? Patrol : Gathering, Timeout.InfiniteTimeSpan);
        }

        if (group.Count == 0)
        {
            return null;
        }

        _groups++;
        _lastLeft = time.GetTimestamp();
        return _last = group;
    }

    private List<TenantStatement> Take()
    {
        var group = new List<TenantStatement>(Math.Min(_waiting.Count, MostTogether));
        while (group.Count < MostTogether && _waiting.TryDequeue(out var call))
        {
            _urgent -= call.MayWait ? 0 : 1;
            if (call.IsAwaited)
            {
                group.Add(call);
            }
        }

        // Fixed lock order; prevents deadlocks between batches.
        return group.Count < 2 ? group : [.. group.OrderBy(call => call.ConversationId)];
    }

    /// <summary>Sends a batch and those after it until the queue is empty. Never throws; each failed statement's caller gets the exception.</summary>
    private async Task SendGroupsAsync(List<TenantStatement>? group)
    {
        while (group is not null)
        {
            try
            {
                using var limit = new CancellationTokenSource(Patience, time);
                await using var session = await sessions.OpenAsync(limit.Token);
                while (group is not null)
                {
                    await group[0].Context.RunAsync(() => TenantStatement.SendAsync(session.Connection, group, LongestLock, limit.Token));
                    group.ForEach(call => call.Complete());
                    group = NextAfter(group);
                    limit.CancelAfter(Patience);
                }

                session.IsInOrder();
            }
            catch (Exception exception) when (group is not null)
            {
                var reason =
                    exception is OperationCanceledException
                        ? new TimeoutException($"Postgres did not answer within {Patience.TotalSeconds} s.")
                        : exception;
                group.ForEach(call => call.Fail(reason));
                group = NextAfter(group);
            }
        }
    }
}
