using System.Data;
using Konstruct.ServiceDefaults.Loops;
using Npgsql;

namespace Konstruct.Gateway.Storage;

/// <summary>
/// Connections kept for immediate reuse. The pool rotates its connections, and an idle PostgreSQL session finds nothing in the CPU's
/// caches. A kept connection returns to the pool within a second, so the pool's rules for old and broken connections still apply.
/// </summary>
/// <param name="connect">Creates a connection that is not open yet.</param>
/// <param name="failures">Receives errors of the timer, which has no caller.</param>
/// <param name="time">The clock.</param>
internal sealed class WarmConnections(Func<NpgsqlConnection> connect, Failures failures, TimeProvider time)
{
    /// <summary>At most a quarter of the pool is kept here. A pool of fewer than four keeps none.</summary>
    private const int Share = 4;

    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(1);

    private readonly Stack<NpgsqlConnection> _resting = new(); // Also the gate.
    private int? _most;
    private ITimer? _release; // Null while no connection was kept since the last release.

    /// <summary>Returns the most recently used connection, or opens one from the pool.</summary>
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

    /// <summary>A connection for one caller. It is kept only if the caller calls <c>IsInOrder</c>; otherwise it returns to the pool.</summary>
    public sealed class Lease(WarmConnections warm, NpgsqlConnection connection) : IAsyncDisposable
    {
        private bool _isInOrder;

        public NpgsqlConnection Connection => connection;

        public void IsInOrder() => _isInOrder = true;

        public ValueTask DisposeAsync() => _isInOrder && warm.TryKeep(connection) ? ValueTask.CompletedTask : connection.DisposeAsync();
    }
}
