using System.Globalization;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.Load.Measure;

/// <summary>Memory of Redis, and the database's size and WAL: before a run, once a second while every conversation streams, and after it.</summary>
internal sealed class StoreMeter : IAsyncDisposable
{
    /// <summary>Without <c>web_turns</c>, which is as large as most turns at once: its space is used again.</summary>
    private const string Sizes = """
        SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint, sum(pg_table_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint
        FROM pg_class
        WHERE oid IN ('public.web_conversations'::regclass, 'public.web_conversation_messages'::regclass)
        """;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Tally _tally;
    private readonly ConnectionMultiplexer? _redis;
    private readonly NpgsqlDataSource? _postgres;
    private StoreReading? _before,
        _streaming;
    private long _lookedAt;

    private StoreMeter(Tally tally, ConnectionMultiplexer? redis, NpgsqlDataSource? postgres)
    {
        (_tally, _redis, _postgres) = (tally, redis, postgres);
    }

    /// <summary>Connects to the stores that the options name.</summary>
    public static async Task<StoreMeter> ConnectAsync(LoadOptions options, Tally tally) =>
        new(
            tally,
            // INFO is a command for administrators.
            options.Redis
                is { } redis
                ? await ConnectionMultiplexer.ConnectAsync(redis, configuration => configuration.AllowAdmin = true)
                : null,
            options.Postgres is { } postgres ? NpgsqlDataSource.Create(postgres) : null
        );

    /// <summary>Reads before the run.</summary>
    public async Task BeginAsync(CancellationToken cancel) => _before = await ReadAsync(cancel);

    /// <summary>Call it often.</summary>
    public async Task LookAsync()
    {
        if (_redis is not null && _tally.AllStream && Clock.Now - _lookedAt >= Pause.TotalMicroseconds)
        {
            _lookedAt = Clock.Now;
            _streaming = new(_tally.Chunks, await RedisBytesAsync(_redis), 0, 0, 0);
        }
    }

    /// <summary>Reads after the run; null: no store is watched.</summary>
    public async Task<StoreUse?> EndAsync(CancellationToken cancel) =>
        _redis is null && _postgres is null ? null : new(_before!, _streaming, await ReadAsync(cancel));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await (_redis?.DisposeAsync() ?? default);
        await (_postgres?.DisposeAsync() ?? default);
    }

    private async Task<StoreReading> ReadAsync(CancellationToken cancel)
    {
        var reading = new StoreReading(_tally.Chunks, _redis is null ? 0 : await RedisBytesAsync(_redis), 0, 0, 0);
        if (_postgres is null)
        {
            return reading;
        }

        await using var command = _postgres.CreateCommand(Sizes);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        await rows.ReadAsync(cancel);
        return reading with { WalBytes = rows.GetInt64(0), TableBytes = rows.GetInt64(1), IndexBytes = rows.GetInt64(2) };
    }

    private static async Task<long> RedisBytesAsync(ConnectionMultiplexer redis)
    {
        var memory = await redis.GetServers()[0].InfoAsync("memory");
        return long.Parse(memory.SelectMany(section => section).Single(pair => pair.Key == "used_memory").Value, CultureInfo.InvariantCulture);
    }
}

/// <summary>What the stores hold and have written at one time, in bytes.</summary>
/// <param name="Chunks">Chunks that had arrived by then.</param>
/// <param name="RedisBytes">Redis's <c>used_memory</c>; 0: not watched.</param>
/// <param name="WalBytes">WAL since the database cluster was made; 0: not watched.</param>
/// <param name="TableBytes">Size of conversations and messages, with their TOAST tables.</param>
/// <param name="IndexBytes">Size of their indexes.</param>
internal sealed record StoreReading(long Chunks, long RedisBytes, long WalBytes, long TableBytes, long IndexBytes);

/// <summary>The readings of a run.</summary>
/// <param name="Before">With all sockets open, before the first message.</param>
/// <param name="Streaming">The last one while every conversation was streaming, of Redis alone; null: that was too short.</param>
/// <param name="After">After the last answer.</param>
internal sealed record StoreUse(StoreReading Before, StoreReading? Streaming, StoreReading After);
