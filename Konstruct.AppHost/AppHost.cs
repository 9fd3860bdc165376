using Konstruct.AppHost;

var builder = DistributedApplication.CreateBuilder(args);

// Redis carries tasks to the orchestrators and tokens back to the gateways. What it forgets is repaired from Postgres.
// Postgres keeps the conversations. Its owner, the superuser, sees every tenant: only the schema step is given that connection.
// The gateway serves with another role, no superuser and no owner, so that Postgres itself keeps the tenants apart.
IResourceBuilder<IResourceWithConnectionString> redis, database, conversations;
if (builder.StoresAreManaged())
{
    // Somebody else runs them: their connection strings are parameters.
    redis = builder.AddConnectionString("redis");
    database = builder.AddConnectionString("konstruct-db");
    conversations = builder.AddConnectionString("konstruct");
}
else if (builder.StoresAreContainers())
{
    redis = builder.AddRedis("redis");
    var server = builder.AddPostgres("postgres").KeepDataBetweenRuns();
    database = server.AddDatabase("konstruct-db", "konstruct");
    conversations = builder.AddServingConnection("konstruct", server.GetEndpoint("tcp"), "konstruct");
}
else
{
    redis = builder.AddLocalRedis("redis");
    var server = builder.AddLocalPostgres("postgres");
    database = server.AddDatabase("konstruct-db", "konstruct");
    conversations = builder.AddServingConnection("konstruct", server.GetEndpoint("tcp"), "konstruct");
}

// Whose tokens the gateway believes: those that this key signs, or, where an authority is named, that one's.
var issuer = builder.AddParameter("jwt-issuer", "konstruct-portal", publishValueAsDefault: true);
var audience = builder.AddParameter("jwt-audience", "konstruct-chat", publishValueAsDefault: true);
var authority = builder.AddParameter("jwt-authority", "", publishValueAsDefault: true);
var signingKey = builder.AddGeneratedSecret("jwt-signing-key", length: 64);

// Makes the database, its tables and the serving role, then stays up: platforms without jobs would restart what exits.
var schema = builder.AddProject<Projects.Konstruct_Gateway>("schema")
    .OnAnyPort()
    .WithArgs("schema")
    .WithReference(database).WaitFor(database)
    .WithReference(conversations)
    .WithHttpHealthCheck("/health");

// Works tasks off and streams tokens: a stub that stands where a model's orchestrator will be.
builder.AddProject<Projects.Konstruct_OrchestratorStub>("orchestrator")
    .OnAnyPort()
    .WithReplicas(builder.Replicas())
    .WithReference(redis).WaitFor(redis)
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => (url.Url, url.DisplayText) = ("/health", "Health"));

// What browsers connect to, and the only resource that the outside can reach.
builder.AddProject<Projects.Konstruct_Gateway>("gateway")
    .WithExternalHttpEndpoints()
    .WithReplicas(builder.Replicas())
    .WithReference(redis).WaitFor(redis)
    .WithReference(conversations).WaitFor(schema)
    .WithEnvironment("Auth__Jwt__Issuer", issuer)
    .WithEnvironment("Auth__Jwt__Audience", audience)
    .WithEnvironment("Auth__Jwt__Authority", authority)
    .WithEnvironment("Auth__Jwt__SigningKey", signingKey)
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Chat")
    .WithUrlForEndpoint("http", _ => new() { Url = "/openapi/v1.json", DisplayText = "API document" })
    .WithUrlForEndpoint("http", _ => new() { Url = "/health", DisplayText = "Health" })
    .WithScenarioCommands()
    .WithDashboardLink();

builder.Build().Run();
