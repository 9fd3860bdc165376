using System.Reflection;
using Konstruct.Contracts.Telemetry;
using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>A Lua script, embedded as a file. Its head comment states keys, arguments, result and the race that it closes.</summary>
public sealed class Script
{
    internal static readonly Script Open = new("open");
    internal static readonly Script Append = new("append");
    internal static readonly Script Finish = new("finish");
    internal static readonly Script End = new("end");
    internal static readonly Script Enqueue = new("enqueue");
    internal static readonly Script Claim = new("claim");
    internal static readonly Script Renew = new("renew");
    internal static readonly Script Answer = new("answer");
    internal static readonly Script Remove = new("remove");
    internal static readonly Script Inspect = new("inspect");
    internal static readonly Script Stale = new("stale");
    internal static readonly Script Measure = new("measure");
    internal static readonly Script TryTurn = new("try_turn");
    internal static readonly Script TryDispatch = new("try_dispatch");
    internal static readonly Script Bury = new("bury");
    internal static readonly Script State = new("state");
    private readonly string _name;
    private readonly string _text;

    /// <param name="name">The file's name, without its extension; also names the span.</param>
    /// <param name="assembly">The assembly in which the file is embedded.</param>
    /// <exception cref="InvalidOperationException">The file is not embedded.</exception>
    public Script(string name, Assembly assembly)
    {
        _name = name;
        using var stream =
            assembly.GetManifestResourceStream(name + ".lua") ?? throw new InvalidOperationException($"The script {name}.lua is not embedded.");
        using var reader = new StreamReader(stream);
        _text = reader.ReadToEnd();
    }

    private Script(string name)
        : this(name, Assembly.GetExecutingAssembly()) { }

    /// <summary>Runs the script, with a span if there is a current trace.</summary>
    public Task<RedisResult> RunAsync(IDatabaseAsync database, RedisKey[] keys, RedisValue[] values) =>
        RedisOperation.TraceAsync(_name, () => RunUntracedAsync(database, keys, values));

    /// <summary>Runs the script without a span, for calls that are made per token.</summary>
    public Task<RedisResult> RunUntracedAsync(IDatabaseAsync database, RedisKey[] keys, RedisValue[] values) =>
        database.ScriptEvaluateAsync(_text, keys, values);
}
