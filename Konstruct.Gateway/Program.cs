using Konstruct.Gateway;
using Konstruct.Gateway.Conversations.Api;
using Konstruct.Gateway.Sockets;
using Konstruct.Gateway.Tenancy;

if (args is ["schema", ..])
{
    return await SchemaService.RunAsync(args[1..]);
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddStores();
builder.AddChat();
builder.AddConversationsApi();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapConversationsApi();
ChatEndpoint.Map(app);
return await app.RunToEndAsync();
