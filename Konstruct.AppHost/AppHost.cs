#if ASPIRE
using Konstruct.AppHost;

Console.WriteLine(HowItWasBuilt.Sentence);
var builder = DistributedApplication.CreateBuilder(args);

// Redis carries tasks to the orchestrators and tokens back to the gateways. What it forgets is repaired from Postgres.
// Postgres keeps the conversations. Its owner, the superuser, sees every tenant: only the schema step is given that connection.
IResourceBuilder<IResourceWithConnectionString> redis, database;
EndpointReference postgres;
if (builder.StoresAreContainers())
{
    redis = builder.AddRedis("redis");
    var server = builder.AddPostgres("postgres").KeepDataBetweenRuns();
    database = server.AddDatabase("konstruct-db", "konstruct");
    postgres = server.GetEndpoint("tcp");
}
else
{
    redis = builder.AddLocalRedis("redis");
    var server = builder.AddLocalPostgres("postgres");
    database = server.AddDatabase("konstruct-db", "konstruct");
    postgres = server.GetEndpoint("tcp");
}

// The role that the gateways serve with: no superuser and no owner, so that Postgres itself keeps the tenants apart.
var servingPassword = builder.AddGeneratedPassword("konstruct-gateway-password");
var conversations = builder.AddConnectionString("konstruct", ReferenceExpression.Create(
    $"Host={postgres.Property(EndpointProperty.Host)};Port={postgres.Property(EndpointProperty.Port)};Username=konstruct_gateway;Password={servingPassword};Database=konstruct"));

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
    .WithReference(redis).WaitFor(redis)
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => (url.Url, url.DisplayText) = ("/health", "Health"));

// What browsers connect to, and the only resource that the outside can reach.
builder.AddProject<Projects.Konstruct_Gateway>("gateway")
    .WithExternalHttpEndpoints()
    .WithReference(redis).WaitFor(redis)
    .WithReference(conversations).WaitFor(schema)
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Chat")
    .WithUrlForEndpoint("http", _ => new() { Url = "/openapi/v1.json", DisplayText = "API document" })
    .WithUrlForEndpoint("http", _ => new() { Url = "/health", DisplayText = "Health" })
    .WithScenarioCommands();

builder.Build().Run();
#else
using Konstruct.AppHost;
using Konstruct.AppHost.Standalone;

// Without Aspire's packages the published form of the same model is run: aspire-manifest.json.
Console.Error.WriteLine(HowItWasBuilt.Sentence);
return await StandaloneRunner.RunAsync(args);
#endif
