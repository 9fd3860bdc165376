namespace Konstruct.Tests.Harness;

/// <summary>The kind of server as a type argument, so that each pipeline is one fixture for all kinds.</summary>
public interface IRedisKind
{
    internal static abstract RedisKind Kind { get; }
}

/// <inheritdoc cref="RedisKind.Garnet"/>
public sealed class OnGarnet : IRedisKind
{
    static RedisKind IRedisKind.Kind => RedisKind.Garnet;
}

/// <inheritdoc cref="RedisKind.Redis"/>
public sealed class OnRedis : IRedisKind
{
    static RedisKind IRedisKind.Kind => RedisKind.Redis;
}

/// <inheritdoc cref="RedisKind.Cluster"/>
public sealed class OnCluster : IRedisKind
{
    static RedisKind IRedisKind.Kind => RedisKind.Cluster;
}
