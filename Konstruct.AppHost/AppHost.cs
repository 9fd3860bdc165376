using Konstruct.AppHost.Commands;
using Konstruct.AppHost.Hosting;
using Konstruct.AppHost.LocalServers;

var builder = DistributedApplication.CreateBuilder(args);
if (!HostingSettings.TryRead(builder, out var settings, out var problem))
    return Problem.Tell(problem);

// Redis carries tasks to the orchestrators and tokens back to the gateways. What it forgets is repaired from Postgres.
// Postgres keeps the conversations. Its owner, the superuser, sees every tenant: only the schema step is given that connection.
// The gateway serves with another role, neither superuser nor owner, so that Postgres itself keeps the tenants apart.
IResourceBuilder<IResourceWithConnectionString> redis, database, conversations;
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

// Whose tokens the gateway believes: those that this key signs, or, where an authority is named, that one's.
var issuer = builder.AddParameter("jwt-issuer", "konstruct-portal", publishValueAsDefault: true);
var audience = builder.AddParameter("jwt-audience", "konstruct-chat", publishValueAsDefault: true);
var authority = builder.AddParameter("jwt-authority", "", publishValueAsDefault: true);
var signingKey = builder.AddGeneratedSecret("jwt-signing-key", length: 64);

// No service waits to be started: each waits for its stores by itself, here as where it is deployed, and all of them start side by side.
// The schema step makes the database, its tables and the serving role, then stays up: platforms without jobs would restart what exits.
builder.AddProject<Projects.Konstruct_Gateway>("schema")
    .OnAnyPort()
    .WithArgs("schema")
    .WithReference(database)
    .WithReference(conversations)
    .WithProbes();

// Works off tasks and streams tokens: a stub that stands where a model's orchestrator will be.
builder.AddProject<Projects.Konstruct_OrchestratorStub>("orchestrator")
    .OnAnyPort()
    .WithReplicas(settings.Replicas)
    .WithReference(redis)
    .WithProbes();

// What browsers connect to, and the only resource that can be reached from outside.
builder.AddProject<Projects.Konstruct_Gateway>("gateway")
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
    .WithProbes()
    .WithLinks()
    .WithChatCommand()
    .WithTokenCommand(issuer, audience, signingKey)
    .AnnounceWhenReady();

builder.PublishTheManifest();

return await builder.Build().RunToEndAsync();
