using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Standalone;

/// <summary>Manifests in the shape that Aspire publishes, around the sample service.</summary>
internal static class SampleManifest
{
    private static readonly string Service =
        Path.Combine(BuiltPrograms.RepositoryRoot, "Konstruct.Tests", "Standalone", "SampleService", "SampleService.csproj");

    public static string Write(TemporaryFolder folder, params string[] resources)
    {
        var file = Path.Combine(folder.Path, "aspire-manifest.json");
        File.WriteAllText(file, $$"""{ "resources": { {{string.Join(',', resources)}} } }""");
        return file;
    }

    public const string Redis = """
        "redis": {
          "type": "container.v0",
          "connectionString": "{redis.bindings.tcp.host}:{redis.bindings.tcp.port},password={redis-password.value}{cond-redis-tls.connectionString}",
          "image": "docker.io/library/redis:8.6",
          "entrypoint": "/bin/sh",
          "args": ["-c", "redis-server --requirepass $REDIS_PASSWORD"],
          "env": { "REDIS_PASSWORD": "{redis-password.value}" },
          "bindings": { "tcp": { "scheme": "redis", "protocol": "tcp", "transport": "tcp", "targetPort": 6379 } }
        },
        "redis-password": {
          "type": "parameter.v0",
          "value": "{redis-password.inputs.value}",
          "inputs": { "value": { "type": "string", "secret": true, "default": { "generate": { "minLength": 22, "special": false } } } }
        },
        "redis-password-uri-encoded": { "type": "annotated.string", "value": "{redis-password.value}", "filter": "uri" },
        "cond-redis-tls": { "type": "value.v0", "connectionString": "" }
        """;

    public const string Postgres = """
        "postgres": {
          "type": "container.v0",
          "connectionString": "Host={postgres.bindings.tcp.host};Port={postgres.bindings.tcp.port};Username=postgres;Password={postgres-password.value}",
          "image": "docker.io/library/postgres:18.3",
          "env": { "POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": "{postgres-password.value}" },
          "bindings": { "tcp": { "scheme": "tcp", "protocol": "tcp", "transport": "tcp", "targetPort": 5432 } }
        },
        "postgres-password": {
          "type": "parameter.v0",
          "value": "{postgres-password.inputs.value}",
          "inputs": { "value": { "type": "string", "secret": true, "default": { "generate": { "minLength": 22 } } } }
        },
        "konstruct-db": { "type": "value.v0", "connectionString": "{postgres.connectionString};Database=konstruct" }
        """;

    /// <summary>A project as it is published, with http and https.</summary>
    public static string Project(string name, string arguments = "", string environment = "", bool external = false)
    {
        var outside = external ? ""","external": true""" : "";
        return $$"""
            "{{name}}": {
              "type": "project.v0",
              "path": "{{Service}}",
              "args": [{{arguments}}],
              "env": { "HTTP_PORTS": "{{{name}}.bindings.http.targetPort}", "ASPNETCORE_FORWARDEDHEADERS_ENABLED": "true"{{(environment.Length > 0 ? "," : "")}}{{environment}} },
              "bindings": {
                "http": { "scheme": "http", "protocol": "tcp", "transport": "http"{{outside}} },
                "https": { "scheme": "https", "protocol": "tcp", "transport": "http"{{outside}} }
              }
            }
            """;
    }

    /// <summary>The application's own shape: two stores, the schema step, the gateway and the orchestrator.</summary>
    public static string WriteWhole(TemporaryFolder folder) => Write(folder, Redis, Postgres,
        Project("schema", "\"schema\"", """ "ConnectionStrings__konstruct-db": "{konstruct-db.connectionString}" """),
        Project("orchestrator", environment: """ "ConnectionStrings__redis": "{redis.connectionString}" """),
        Project("gateway", external: true, environment: """
            "ConnectionStrings__redis": "{redis.connectionString}",
            "REDIS_URI": "{redis.bindings.tcp.scheme}://:{redis-password-uri-encoded.value}@{redis.bindings.tcp.host}:{redis.bindings.tcp.port}",
            "SERVICES__ORCHESTRATOR": "{orchestrator.bindings.https.url}"
            """));
}
