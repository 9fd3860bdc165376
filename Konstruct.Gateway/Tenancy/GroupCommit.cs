namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// Calls that come right after others wait a moment, and then travel together. A call that comes alone leaves at once; the more come at once, the
/// more of them share a round trip, a commit, and a session whose caches are warm. When a group fails, each of its callers is told and is to try alone.
/// </summary>
/// <param name="sessions">The sessions that groups take.</param>
/// <param name="time">The clock.</param>
internal sealed class GroupCommit(WarmConnections sessions, TimeProvider time)
{
    /// <summary>
    /// Groups that are under way at once. With one all would wait for a group that hangs; with four nearly every call would have a commit of its own.
    /// </summary>
    private const int MostGroups = 2;

    /// <summary>Calls in a group.</summary>
    private const int MostTogether = 16;

    /// <summary>
    /// A group leaves so long after the one before it, unless a full one waits. A call that comes alone does not notice; of many that come one after another some share a commit.
    /// </summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(4);

    /// <summary>A row that somebody holds makes its own caller wait, not the others of the group.</summary>
    private static readonly TimeSpan LongestLock = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a group may take. It takes milliseconds, unless Postgres hangs: then what comes next is not to hang with it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<StoreCall> _waiting = new();
    private int _groups;
    private bool _isFilling; // One of them waits until it may leave, and takes what comes meanwhile.
    private long _lastLeft;

    /// <summary>Sends a call, at once or with the next group.</summary>
    public void Send(StoreCall call)
    {
        bool begins;
        lock (_gate)
        {
            _waiting.Enqueue(call);
            begins = Begins();
        }

        if (begins)
        {
            _ = SendGroupsAsync();
        }
    }

    /// <summary>Whether another group is to take what waits: unless one does already. Under the gate.</summary>
    private bool Begins()
    {
        if (_waiting.Count == 0 || _isFilling || _groups == MostGroups)
        {
            return false;
        }

        _groups++;
        return _isFilling = true;
    }

    /// <summary>Until nothing waits. It throws nothing: what goes wrong is told to those whom it concerns.</summary>
    private async Task SendGroupsAsync()
    {
        var group = await FillAsync();
        while (group is not null)
        {
            try
            {
                using var limit = new CancellationTokenSource(Patience, time);
                await using var session = await sessions.OpenAsync(limit.Token);
                while (group is not null)
                {
                    await InItsContext(group[0], () => StoreCall.SendAsync(session.Connection, group, LongestLock, limit.Token));
                    group.ForEach(call => call.Complete());
                    group = await FillNextAsync();
                    limit.CancelAfter(Patience);
                }

                session.IsInOrder();
            }
            catch (Exception exception) when (group is not null)
            {
                var reason = exception is OperationCanceledException ? new TimeoutException($"Postgres did not answer within {Patience.TotalSeconds} s.") : exception;
                group.ForEach(call => call.Fail(reason));
                group = await FillNextAsync();
            }
        }
    }

    /// <summary>What has come while the last group was under way, unless another group takes that; null: this one has ended.</summary>
    private ValueTask<List<StoreCall>?> FillNextAsync()
    {
        lock (_gate)
        {
            _groups--;
            if (!Begins())
            {
                return new((List<StoreCall>?)null);
            }
        }

        return FillAsync();
    }

    /// <summary>What waits, once it may leave; null, and the group has ended, when nothing does.</summary>
    private async ValueTask<List<StoreCall>?> FillAsync()
    {
        TimeSpan rest;
        lock (_gate)
        {
            rest = _waiting.Count >= MostTogether ? TimeSpan.Zero : Spacing - time.GetElapsedTime(_lastLeft);
        }

        if (rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, time);
        }

        List<StoreCall> group;
        bool begins;
        lock (_gate)
        {
            group = new(Math.Min(_waiting.Count, MostTogether));
            while (group.Count < MostTogether && _waiting.TryDequeue(out var call))
            {
                if (call.IsAwaited)
                {
                    group.Add(call);
                }
            }

            _isFilling = false;
            if (group.Count == 0)
            {
                _groups--;
                return null;
            }

            _lastLeft = time.GetTimestamp();
            begins = Begins();
        }

        if (begins)
        {
            _ = SendGroupsAsync();
        }

        // Two groups that want the same rows want them in the same order: neither has what the other waits for.
        return group.Count == 1 ? group : [.. group.OrderBy(call => call.ConversationId)];
    }

    /// <summary>The trace and the log scopes of one of them; there can be only one.</summary>
    private static Task InItsContext(StoreCall call, Func<Task> send)
    {
        if (call.Context is null)
        {
            return send();
        }

        var sent = Task.CompletedTask;
        ExecutionContext.Run(call.Context, _ => sent = send(), null);
        return sent;
    }
}
