namespace Konstruct.AppHost.LocalServers;

/// <summary>A server of Konstruct.LocalServers in place of a container, with the same name, connection string and connection properties.</summary>
internal abstract class LocalServerResource(string name, string workingDirectory, ParameterResource password)
    : ExecutableResource(name, "dotnet", workingDirectory),
        IResourceWithConnectionString
{
    public const string EndpointName = "tcp";

    public ParameterResource Password { get; } = password;

    public EndpointReference Endpoint => field ??= new(this, EndpointName);

    public EndpointReferenceExpression Host => Endpoint.Property(EndpointProperty.Host);

    public EndpointReferenceExpression Port => Endpoint.Property(EndpointProperty.Port);

    public abstract ReferenceExpression ConnectionStringExpression { get; }

    public abstract IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties();
}

/// <summary>Garnet, which speaks the Redis protocol.</summary>
internal sealed class LocalRedisResource(string name, string workingDirectory, ParameterResource password)
    : LocalServerResource(name, workingDirectory, password)
{
    public override ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{Endpoint.Property(EndpointProperty.HostAndPort)},password={Password}");

    public override IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
        [
            new("Host", ReferenceExpression.Create($"{Host}")),
            new("Port", ReferenceExpression.Create($"{Port}")),
            new("Password", ReferenceExpression.Create($"{Password}")),
            new("Uri", ReferenceExpression.Create($"redis://:{Password}@{Host}:{Port}")),
        ];
}

/// <summary>PostgreSQL, installed or from npm.</summary>
internal sealed class LocalPostgresResource(string name, string workingDirectory, ParameterResource password)
    : LocalServerResource(name, workingDirectory, password)
{
    public override ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"Host={Host};Port={Port};Username=postgres;Password={Password}");

    public override IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
        [
            new("Host", ReferenceExpression.Create($"{Host}")),
            new("Port", ReferenceExpression.Create($"{Port}")),
            new("Username", ReferenceExpression.Create($"postgres")),
            new("Password", ReferenceExpression.Create($"{Password}")),
            new("Uri", ReferenceExpression.Create($"postgresql://postgres:{Password}@{Host}:{Port}")),
            new("JdbcConnectionString", ReferenceExpression.Create($"jdbc:postgresql://{Host}:{Port}")),
        ];
}

/// <summary>A database of a local PostgreSQL, with its owner's connection. The schema step creates it if it is missing.</summary>
internal sealed class LocalDatabaseResource(string name, string database, LocalPostgresResource parent)
    : Resource(name),
        IResourceWithParent<LocalPostgresResource>,
        IResourceWithConnectionString
{
    public LocalPostgresResource Parent { get; } = parent;

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Parent};Database={database}");

    public IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
        [
            .. Parent.GetConnectionProperties().Where(property => property.Key is "Host" or "Port" or "Username" or "Password"),
            new("DatabaseName", ReferenceExpression.Create($"{database}")),
            new("Uri", ReferenceExpression.Create($"postgresql://postgres:{Parent.Password}@{Parent.Host}:{Parent.Port}/{database}")),
            new("JdbcConnectionString", ReferenceExpression.Create($"jdbc:postgresql://{Parent.Host}:{Parent.Port}/{database}")),
        ];
}
