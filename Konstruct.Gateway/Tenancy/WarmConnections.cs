using System.Data;
using Konstruct.ServiceDefaults.Loops;
using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// Connections that are used again and again. The pool gives out its own by turns, and a session of PostgreSQL that has rested meanwhile finds nothing in the caches of a core.
/// What rests here goes back to the pool a second later at most: whatever that decides of them, by their age or since the server has gone, holds here, too.
/// </summary>
/// <param name="connect">Makes a connection that is not open yet.</param>
/// <param name="failures">Where a connection is reported that cannot be given back: a timer has no caller.</param>
/// <param name="time">The clock.</param>
internal sealed class WarmConnections(Func<NpgsqlConnection> connect, Failures failures, TimeProvider time)
{
    /// <summary>At most a quarter of the pool rests here. One of less than four has all for itself.</summary>
    private const int Share = 4;

    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    private readonly Stack<NpgsqlConnection> _resting = new(); // The gate, too.
    private int? _most;
    private ITimer? _release; // None while nothing has come to rest since the last.

    /// <summary>The one that was used last, or another of the pool's, open.</summary>
    public async ValueTask<Lease> OpenAsync(CancellationToken cancellationToken)
    {
        lock (_resting)
        {
            if (_resting.TryPop(out var warm))
            {
                return new(this, warm);
            }
        }

        var connection = connect();
        await connection.OpenAsync(cancellationToken);
        return new(this, connection);
    }

    private bool TryKeep(NpgsqlConnection connection)
    {
        lock (_resting)
        {
            _most ??= new NpgsqlConnectionStringBuilder(connection.ConnectionString).MaxPoolSize / Share;
            if (connection.State != ConnectionState.Open || _resting.Count >= _most)
            {
                return false;
            }

            _resting.Push(connection);
            _release ??= time.CreateTimer(_ => Release(), null, LongestRest, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    private void Release()
    {
        NpgsqlConnection[] rested;
        lock (_resting)
        {
            rested = [.. _resting];
            _resting.Clear();
            _release!.Dispose();
            _release = null;
        }

        foreach (var connection in rested)
        {
            failures.Try("giving a connection back", connection.Dispose);
        }
    }

    /// <summary>A connection for one user, who says when it is in order; without a word it goes back to the pool.</summary>
    public sealed class Lease(WarmConnections warm, NpgsqlConnection connection) : IAsyncDisposable
    {
        private bool _isInOrder;

        public NpgsqlConnection Connection => connection;

        public void IsInOrder() => _isInOrder = true;

        public ValueTask DisposeAsync() => _isInOrder && warm.TryKeep(connection) ? ValueTask.CompletedTask : connection.DisposeAsync();
    }
}
