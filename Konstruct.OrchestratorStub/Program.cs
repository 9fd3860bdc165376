using Konstruct.OrchestratorStub;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddFakeModel();
builder.AddWorker();

var app = builder.Build();
app.MapDefaultEndpoints();
return await app.RunToEndAsync();
