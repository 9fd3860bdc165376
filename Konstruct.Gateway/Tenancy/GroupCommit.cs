using Konstruct.Gateway.Telemetry;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// Calls that come while others are under way wait for them, and then travel together. A call that comes alone leaves at once; the more come, or the slower
/// Postgres is, the more of them share a round trip, a commit, and a session whose caches are warm. Calls that may wait gather for a moment, too, when the group before has
/// only just left. When a group fails, each of its callers is told and is to try alone.
/// </summary>
/// <param name="sessions">The sessions that groups take.</param>
/// <param name="time">The clock.</param>
internal sealed class GroupCommit(WarmConnections sessions, TimeProvider time)
{
    /// <summary>Groups that are under way at once: three may hang, and what comes goes on with the fourth.</summary>
    private const int MostGroups = 4;

    /// <summary>Calls in a group.</summary>
    private const int MostTogether = 16;

    /// <summary>A group that has not come back by then holds up the next one no longer, once a call comes.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromMilliseconds(25);

    /// <summary>
    /// Where none comes, this long after a call has begun to wait, and again while one does. Nearly always the group comes back before; a timer that is due sooner woke
    /// its thread twice for most of the messages that come by ones and twos.
    /// </summary>
    private static readonly TimeSpan Patrol = TimeSpan.FromMilliseconds(100);

    /// <summary>Calls that may wait leave no sooner than this after the group before, unless one that may not takes them along.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    /// <summary>A row that somebody holds makes its own caller wait, not the others of the group.</summary>
    private static readonly TimeSpan LongestLock = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a group may take. It takes milliseconds, unless Postgres hangs: then what comes next is not to hang with it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<StoreCall> _waiting = new();
    private int _urgent; // Of those that wait, so many may not.
    private int _groups;
    private List<StoreCall>? _last; // The group that left last, until it has come back.
    private long _lastLeft;
    private ITimer? _look; // None while nothing waits.

    /// <summary>Sends a call, at once or with the next group.</summary>
    public void Send(StoreCall call)
    {
        List<StoreCall>? group;
        lock (_gate)
        {
            _waiting.Enqueue(call);
            _urgent += call.MayWait ? 0 : 1;
            group = Next();
        }

        _ = SendGroupsAsync(group);
    }

    /// <summary>What waits may be alone with a group that is overdue, or with nothing at all: no call comes that would look.</summary>
    private void Look()
    {
        List<StoreCall>? group;
        lock (_gate)
        {
            _look!.Dispose();
            _look = null;
            group = Next();
        }

        _ = SendGroupsAsync(group);
    }

    /// <summary>A group that has come back, or failed, makes way for the next.</summary>
    private List<StoreCall>? NextAfter(List<StoreCall> back)
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

    /// <summary>What waits and is to leave now; null: nothing does. Under the gate.</summary>
    private List<StoreCall>? Next()
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

    private List<StoreCall> Take()
    {
        var group = new List<StoreCall>(Math.Min(_waiting.Count, MostTogether));
        while (group.Count < MostTogether && _waiting.TryDequeue(out var call))
        {
            _urgent -= call.MayWait ? 0 : 1;
            if (call.IsAwaited)
            {
                group.Add(call);
            }
        }

        // Two groups that want the same rows want them in the same order: neither has what the other waits for.
        return group.Count < 2 ? group : [.. group.OrderBy(call => call.ConversationId)];
    }

    /// <summary>Sends a group, if there is one, and those after it until nothing waits. It throws nothing: what goes wrong is told to those whom it concerns.</summary>
    private async Task SendGroupsAsync(List<StoreCall>? group)
    {
        while (group is not null)
        {
            try
            {
                using var limit = new CancellationTokenSource(Patience, time);
                await using var session = await sessions.OpenAsync(limit.Token);
                while (group is not null)
                {
                    await group[0].Context.RunAsync(() => StoreCall.SendAsync(session.Connection, group, LongestLock, limit.Token));
                    group.ForEach(call => call.Complete());
                    group = NextAfter(group);
                    limit.CancelAfter(Patience);
                }

                session.IsInOrder();
            }
            catch (Exception exception) when (group is not null)
            {
                var reason = exception is OperationCanceledException ? new TimeoutException($"Postgres did not answer within {Patience.TotalSeconds} s.") : exception;
                group.ForEach(call => call.Fail(reason));
                group = NextAfter(group);
            }
        }
    }
}
