// Calls a Baton server with the real tRPC client, through each of its links, and prints what it was answered as JSON.
import { createTRPCUntypedClient, httpBatchLink, httpBatchStreamLink, httpLink, TRPCClientError } from '@trpc/client'

const [url, token, orgId, leadId] = process.argv.slice(2)
const links = { httpLink, httpBatchLink, httpBatchStreamLink }

async function outcome(call) {
  try {
    return { data: await call }
  } catch (error) {
    if (!(error instanceof TRPCClientError)) throw error
    return { message: error.message, number: error.shape?.code, ...error.data }
  }
}

async function scenario(link) {
  const signedIn = createTRPCUntypedClient({
    links: [link({ url, headers: { authorization: `Bearer ${token}`, orgid: orgId } })],
  })
  const visitor = createTRPCUntypedClient({ links: [link({ url })] })
  const lead = { orgId, firstName: 'Jane', lastName: 'Smith', email: 'jane@example.com', source: 'website' }
  const captured = await visitor.mutation('crm.leads.capture', lead)
  const [list, summary, read, organization, missing, invalid] = await Promise.all([
    signedIn.query('crm.leads.list', { page: 1, limit: 2 }),
    signedIn.query('crm.leads.pipelineSummary'),
    signedIn.query('crm.leads.get', { leadId: captured.id }),
    signedIn.query('crm.organization.get'),
    outcome(signedIn.query('crm.leads.get', { leadId: 'no-such-lead' })),
    outcome(signedIn.query('crm.leads.list', { limit: 100000 })),
  ])
  return {
    captured,
    list,
    summary,
    read,
    organization,
    missing,
    invalid,
    moved: await signedIn.mutation('crm.leads.qualify', { leadId: captured.id }),
    again: await outcome(signedIn.mutation('crm.leads.qualify', { leadId: captured.id })),
    forbidden: await outcome(signedIn.mutation('crm.leads.delete', { leadId })),
    unauthorized: await outcome(visitor.query('crm.leads.list')),
    unknownProcedure: await outcome(signedIn.query('crm.leads.explode')),
    unknownOrganization: await outcome(visitor.mutation('crm.leads.capture', { ...lead, orgId: crypto.randomUUID() })),
  }
}

const answers = {}
for (const [name, link] of Object.entries(links)) answers[name] = await scenario(link)
console.log(JSON.stringify(answers))
