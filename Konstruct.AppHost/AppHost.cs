using Konstruct.AppHost.Commands;
using Konstruct.AppHost.Hosting;
using Konstruct.AppHost.LocalServers;

var builder = DistributedApplication.CreateBuilder(args);
if (!HostingSettings.TryRead(builder, out var settings, out var problem))
{
    return Problem.Tell(problem);
}

// Redis carries tasks to the orchestrators and tokens back to the gateways. Data that it loses is repaired from Postgres.
// Postgres keeps the conversations. Its owner, the superuser, sees every tenant, so only the schema step gets that connection.
// The gateway uses another role, neither superuser nor owner, so that Postgres itself isolates the tenants.
IResourceBuilder<IResourceWithConnectionString> redis,
    database,
    conversations;
switch (settings.Stores)
{
    case Stores.Managed:
        redis = builder.AddConnectionString("redis");
        database = builder.AddConnectionString("konstruct-db");
        conversations = builder.AddConnectionString("konstruct");
        break;
    case Stores.Containers:
        redis = builder.AddRedis("redis");
        var container = builder.AddPostgres("postgres").KeepDataBetweenRuns();
        database = container.AddDatabase("konstruct-db", "konstruct");
        conversations = builder.AddServingConnection("konstruct", container.GetEndpoint("tcp"), "konstruct");
        break;
    default:
        redis = builder.AddLocalRedis("redis", settings.Data);
        var server = builder.AddLocalPostgres("postgres", settings.Data);
        database = server.AddDatabase("konstruct-db", "konstruct");
        conversations = builder.AddServingConnection("konstruct", server.GetEndpoint("tcp"), "konstruct");
        break;
}

// Tokens that the gateway accepts: signed with this key or, if an authority is set, issued by that authority.
var issuer = builder.AddParameter("jwt-issuer", "konstruct-portal", publishValueAsDefault: true);
var audience = builder.AddParameter("jwt-audience", "konstruct-chat", publishValueAsDefault: true);
var authority = builder.AddParameter("jwt-authority", "", publishValueAsDefault: true);
var signingKey = builder.AddGeneratedSecret("jwt-signing-key", length: 64);

// No service waits for another: each waits for its stores itself, as in a deployment, and all start in parallel. The schema step
// creates the database, its tables and the serving role, then stays up: platforms without jobs would restart it.
builder
    .AddProject<Projects.Konstruct_Gateway>("schema")
    .OnAnyPort()
    .WithArgs("schema")
    .WithReference(database)
    .WithReference(conversations)
    .WithProbes();

// Answers tasks and streams tokens: a stub in place of a model's orchestrator.
if (settings.HasStub)
{
    builder
        .AddProject<Projects.Konstruct_OrchestratorStub>("orchestrator")
        .OnAnyPort()
        .WithReplicas(settings.Replicas)
        .WithReference(redis)
        .WithProbes();
}

// Serves browsers; the only resource that can be reached from outside.
builder
    .AddProject<Projects.Konstruct_Gateway>("gateway")
    .OnPort(settings.Port)
    .WithExternalHttpEndpoints()
    .WithReplicas(settings.Replicas)
    .WithReference(redis)
    .WithReference(conversations)
    .WithEnvironment("Auth__Jwt__Issuer", issuer)
    .WithEnvironment("Auth__Jwt__Audience", audience)
    .WithEnvironment("Auth__Jwt__Authority", authority)
    .WithEnvironment("Auth__Jwt__SigningKey", signingKey)
    .WithAuthMode()
    .WithDispatch()
    .WithProbes()
    .WithLinks()
    .WithChatCommand()
    .WithTokenCommand(issuer, audience, signingKey)
    .AnnounceWhenReady();

builder.PublishTheManifest();

return await builder.Build().RunToEndAsync();
