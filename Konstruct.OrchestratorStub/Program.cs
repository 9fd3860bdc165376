using Konstruct.OrchestratorStub;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddFakeModel();
builder.AddWorker();

return await builder.RunToEndAsync(app => app.MapDefaultEndpoints());
